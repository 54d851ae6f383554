CREATE TABLE `email_confirmations` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`kind` text NOT NULL,
	`email` text NOT NULL,
	`previous_email` text,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "email_confirmations_kind" CHECK("email_confirmations"."kind" IN ('registration', 'change'))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `email_confirmations_by_user` ON `email_confirmations` (`user_id`);--> statement-breakpoint
CREATE INDEX `email_confirmations_by_expiry` ON `email_confirmations` (`expires_at`);--> statement-breakpoint
ALTER TABLE `users` ADD `email_confirmed_at` text;--> statement-breakpoint
-- Version 0.6.0 changes an address at once, and so may a person. An address that no link has confirmed is not confirmed.
CREATE TRIGGER `users_email_changed` AFTER UPDATE OF `email` ON `users`
	WHEN OLD.email <> NEW.email AND NEW.email_confirmed_at IS NOT NULL AND NOT EXISTS (
		SELECT 1 FROM email_confirmations WHERE user_id = NEW.id AND email = NEW.email AND used_at IS NOT NULL)
BEGIN
	UPDATE users SET email_confirmed_at = NULL WHERE id = NEW.id;
END;
--> statement-breakpoint
-- Whatever ends the access tokens of an account (a new password, another role, a deactivation) also ends a pending change of its
-- address, whichever version of the Worker does it: whoever knew the old password may have asked for the change.
CREATE TRIGGER `users_tokens_ended` AFTER UPDATE OF `token_generation` ON `users`
	WHEN OLD.token_generation <> NEW.token_generation
BEGIN
	DELETE FROM email_confirmations WHERE user_id = NEW.id AND kind = 'change' AND used_at IS NULL;
END;
