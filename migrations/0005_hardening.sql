CREATE TABLE `limited_emails` (
	`address_hash` text PRIMARY KEY NOT NULL,
	`message_id` text NOT NULL,
	`expires_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `limited_emails_by_expiry` ON `limited_emails` (`expires_at`);