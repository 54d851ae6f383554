CREATE TABLE `ticket_counts` (
	`status` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `ticket_days` (
	`date` text PRIMARY KEY NOT NULL,
	`opened` integer DEFAULT 0 NOT NULL,
	`closed` integer DEFAULT 0 NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `ticket_notes` (
	`id` text PRIMARY KEY NOT NULL,
	`ticket_id` text NOT NULL,
	`author_id` text NOT NULL,
	`note` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`ticket_id`) REFERENCES `tickets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `ticket_notes_by_ticket` ON `ticket_notes` (`ticket_id`,`id`);--> statement-breakpoint
CREATE TABLE `tickets` (
	`id` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`customer_id` text NOT NULL,
	`order_id` text,
	`subject` text NOT NULL,
	`message` text NOT NULL,
	`preview` text NOT NULL,
	`note_preview` text,
	`has_note` integer NOT NULL,
	`status` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`triage_seconds` integer,
	`triaged_at` text,
	`shown_version` integer NOT NULL,
	`shown_at` text NOT NULL,
	FOREIGN KEY (`customer_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`order_id`) REFERENCES `orders`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "tickets_status" CHECK("tickets"."status" IN ('open', 'triaged', 'closed')),
	CONSTRAINT "tickets_order" CHECK("tickets"."order_id" <> '')
) STRICT;
--> statement-breakpoint
CREATE INDEX `tickets_by_customer` ON `tickets` (`customer_id`,`id`);--> statement-breakpoint
CREATE INDEX `tickets_by_customer_and_status` ON `tickets` (`customer_id`,`status`,`id`);--> statement-breakpoint
CREATE INDEX `tickets_by_status` ON `tickets` (`status`,`id`);--> statement-breakpoint
CREATE INDEX `tickets_by_note` ON `tickets` (`has_note`,`id`);--> statement-breakpoint
CREATE INDEX `tickets_by_status_and_note` ON `tickets` (`status`,`has_note`,`id`);--> statement-breakpoint
CREATE INDEX `tickets_by_triage` ON `tickets` (`triaged_at`,`triage_seconds`) WHERE "tickets"."triaged_at" IS NOT NULL;