ALTER TABLE `users` RENAME COLUMN `tokens_valid_from` TO `token_generation`;--> statement-breakpoint
UPDATE `users` SET `token_generation` = 1;--> statement-breakpoint
DROP INDEX `projections_suspect`;--> statement-breakpoint
ALTER TABLE `projections` RENAME COLUMN `suspect_until` TO `recheck_at`;--> statement-breakpoint
CREATE INDEX `projections_recheck` ON `projections` (`recheck_at`) WHERE "projections"."recheck_at" IS NOT NULL;--> statement-breakpoint
DELETE FROM `projections` WHERE `view` IN ('ticket-case@1', 'ticket-case-list@1');--> statement-breakpoint
ALTER TABLE `rebuilds` RENAME COLUMN `moved_at` TO `progressed_at`;--> statement-breakpoint
ALTER TABLE `tickets` RENAME COLUMN `shown_version` TO `customer_version`;--> statement-breakpoint
ALTER TABLE `tickets` RENAME COLUMN `shown_at` TO `customer_updated_at`;--> statement-breakpoint
UPDATE `events` SET `type` = 'ItemUpdated' WHERE `type` = 'ItemChanged';--> statement-breakpoint
UPDATE `events` SET `type` = 'SettingsUpdated' WHERE `type` = 'SettingsChanged';--> statement-breakpoint
CREATE TABLE `commit_guards` (
	`holds` integer NOT NULL,
	CONSTRAINT "guards_hold" CHECK("commit_guards"."holds" = 1)
) STRICT;
