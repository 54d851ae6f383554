-- Version 0.5.0 had deliveries for analytics, and found rows by `rowid`. Nothing handles or uses either any more.
DELETE FROM `deliveries` WHERE `subscription` = 'analytics';
--> statement-breakpoint
ALTER TABLE `deliveries` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `refresh_tokens` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `password_resets` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `limited_emails` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `idempotency_keys` DROP COLUMN `rowid`;
