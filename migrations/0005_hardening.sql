DROP INDEX `sessions_by_user`;--> statement-breakpoint
ALTER TABLE `sessions` ADD `network` text;--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`network`);