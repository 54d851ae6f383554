ALTER TABLE `deliveries` ADD `replays` integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
CREATE INDEX `deliveries_dead_by_error` ON `deliveries` (`subscription`,`last_error`,`fault`,`position`) WHERE "deliveries"."status" = 'dead';
--> statement-breakpoint
CREATE TABLE `schedule_runs` (
	`cron` text PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL,
	`tasks` text NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `sessions_open` ON `sessions` (`user_id`,`id`) WHERE "sessions"."revoked_at" IS NULL;
