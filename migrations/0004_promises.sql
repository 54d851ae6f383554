CREATE TABLE `shapes` (
	`view` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`types` text NOT NULL,
	`since` integer NOT NULL,
	`missed` integer DEFAULT 0 NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `watermarks` (
	`at` integer PRIMARY KEY NOT NULL,
	`epoch` text NOT NULL,
	`position` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `__new_deliveries` (
	`position` integer NOT NULL,
	`subscription` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`available_at` integer NOT NULL,
	`claimed_until` integer DEFAULT 0 NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`unclear_sends` integer DEFAULT 0 NOT NULL,
	`last_error` text,
	PRIMARY KEY(`subscription`, `position`),
	FOREIGN KEY (`position`) REFERENCES `events`(`position`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "deliveries_status" CHECK("status" IN ('pending', 'dead'))
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_deliveries`("position", "subscription", "attempts", "available_at", "claimed_until", "status", "last_error") SELECT "position", "subscription", "attempts", "available_at", "claimed_until", "status", "last_error" FROM `deliveries`;--> statement-breakpoint
DROP TABLE `deliveries`;--> statement-breakpoint
ALTER TABLE `__new_deliveries` RENAME TO `deliveries`;--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`subscription`,`status`,`available_at`);--> statement-breakpoint
CREATE INDEX `deliveries_dead` ON `deliveries` (`subscription`,`position`) WHERE "deliveries"."status" = 'dead';--> statement-breakpoint
ALTER TABLE `projections` ADD `error` text;--> statement-breakpoint
CREATE INDEX `projections_failing` ON `projections` (`view`,`key`) WHERE "projections"."error" IS NOT NULL;--> statement-breakpoint
ALTER TABLE `rebuilds` ADD `failed_keys` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `documents_after` text;
--> statement-breakpoint
INSERT INTO `shapes`("view", "name", "types", "since", "missed") SELECT DISTINCT "view", substr("view", 1, instr("view", '@') - 1), '[]', 0, (SELECT coalesce(max("position"), 0) FROM `events`) FROM `projections`;
