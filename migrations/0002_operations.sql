CREATE TABLE `rebuilds` (
	`id` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`view` text NOT NULL,
	`status` text NOT NULL,
	`target` integer NOT NULL,
	`checkpoint` integer NOT NULL,
	`steps` integer NOT NULL,
	`keys` integer NOT NULL,
	`attempts` integer NOT NULL,
	`last_error` text,
	`started_at` text NOT NULL,
	`moved_at` integer NOT NULL,
	CONSTRAINT "rebuilds_status" CHECK("rebuilds"."status" IN ('running', 'done', 'cancelled', 'failed'))
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `rebuilds_running` ON `rebuilds` (`view`) WHERE "rebuilds"."status" = 'running';--> statement-breakpoint
CREATE TABLE `reconciliation` (
	`id` integer PRIMARY KEY NOT NULL,
	`view` text NOT NULL,
	`key` text NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `deliveries_dead` ON `deliveries` (`position`,`subscription`) WHERE "deliveries"."status" = 'dead';--> statement-breakpoint
CREATE INDEX `events_by_actor` ON `events` ("metadata" ->> 'actorId',`position`) WHERE "events"."metadata" ->> 'actorId' IS NOT NULL;--> statement-breakpoint
CREATE INDEX `events_by_command` ON `events` ("metadata" ->> 'commandId',`position`);--> statement-breakpoint
CREATE INDEX `events_by_request` ON `events` ("metadata" ->> 'requestId',`position`);