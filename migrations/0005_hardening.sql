ALTER TABLE `deliveries` ADD `first_failed_at` integer;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `last_failed_at` integer;