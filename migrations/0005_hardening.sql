CREATE TABLE `limited_emails` (
	`address_hash` text PRIMARY KEY NOT NULL,
	`message_id` text NOT NULL,
	`expires_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `limited_emails_by_expiry` ON `limited_emails` (`expires_at`);--> statement-breakpoint
DROP INDEX `sessions_by_user`;--> statement-breakpoint
ALTER TABLE `sessions` ADD `network` text;--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`network`);--> statement-breakpoint
ALTER TABLE `deliveries` ADD `first_failed_at` integer;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `last_failed_at` integer;