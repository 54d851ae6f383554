ALTER TABLE `deliveries` ADD `tries` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `fault` text;--> statement-breakpoint
CREATE INDEX `deliveries_dead_by_fault` ON `deliveries` (`fault`,`subscription`,`position`) WHERE "deliveries"."status" = 'dead';--> statement-breakpoint
-- The tries of what had failed before were not counted; this is what was shown as their number.
UPDATE `deliveries` SET `tries` = `attempts` + `failures` + `unclear_sends` WHERE `first_failed_at` IS NOT NULL;
