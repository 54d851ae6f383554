CREATE TABLE `ticket_replies` (
	`id` text NOT NULL,
	`ticket_id` text NOT NULL,
	`author_id` text NOT NULL,
	`by` text NOT NULL,
	`message` text NOT NULL,
	`created_at` text NOT NULL,
	PRIMARY KEY(`ticket_id`, `id`),
	FOREIGN KEY (`ticket_id`) REFERENCES `tickets`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "replies_by" CHECK("by" IN ('customer', 'staff'))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `ticket_days` ADD `reopened` integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE `tickets` ADD `assignee_id` text;
--> statement-breakpoint
ALTER TABLE `tickets` ADD `last_speaker` text DEFAULT 'customer' NOT NULL;
--> statement-breakpoint
CREATE INDEX `tickets_by_activity` ON `tickets` (`status`,`has_note`,`updated_at`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_customer_activity` ON `tickets` (`customer_id`,`status`,`customer_updated_at`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_assignee` ON `tickets` (`assignee_id`,`status`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_assignee_activity` ON `tickets` (`assignee_id`,`status`,`updated_at`,`id`);
--> statement-breakpoint
-- How many tickets each agent or admin has by status, and how many all of them have together. `tickets` and its counts have no
-- trace of the assignee, so what a customer reads has none either.
CREATE TRIGGER `tickets_assigned` AFTER UPDATE OF `status`, `assignee_id` ON `tickets`
	WHEN (OLD.assignee_id IS NOT NULL OR NEW.assignee_id IS NOT NULL)
		AND (OLD.status <> NEW.status OR OLD.assignee_id IS NOT NEW.assignee_id) BEGIN
	INSERT INTO count_changes
		SELECT 'assignments', NEW.assignee_id, iif(OLD.assignee_id IS NEW.assignee_id, OLD.status, NULL), NEW.status;
	INSERT INTO count_changes
		SELECT 'assignments', OLD.assignee_id, OLD.status, NULL WHERE OLD.assignee_id IS NOT NEW.assignee_id;
	INSERT INTO count_changes
		SELECT 'assignments', '', iif(OLD.assignee_id IS NULL, NULL, OLD.status), iif(NEW.assignee_id IS NULL, NULL, NEW.status);
END;
--> statement-breakpoint
CREATE TRIGGER `tickets_assigned_inserted` AFTER INSERT ON `tickets` WHEN NEW.assignee_id IS NOT NULL BEGIN
	INSERT INTO count_changes
		SELECT 'assignments', column1, NULL, NEW.status FROM (VALUES (''), (NEW.assignee_id));
END;
--> statement-breakpoint
CREATE TRIGGER `tickets_assigned_deleted` AFTER DELETE ON `tickets` WHEN OLD.assignee_id IS NOT NULL BEGIN
	INSERT INTO count_changes
		SELECT 'assignments', column1, OLD.status, NULL FROM (VALUES (''), (OLD.assignee_id));
END;
--> statement-breakpoint
-- The deletion of an account releases its tickets itself. This is for an account that version 0.6.0 or a person deletes.
CREATE TRIGGER `users_deleted_assignee` AFTER DELETE ON `users`
	WHEN NOT EXISTS (SELECT 1 FROM erasures WHERE user_id = OLD.id) BEGIN
	UPDATE tickets SET assignee_id = NULL WHERE assignee_id = OLD.id;
END;
--> statement-breakpoint
ALTER TABLE `users` ADD `search_name` text;
--> statement-breakpoint
-- SQLite folds the letters of ASCII. The hourly task folds the names that stay NULL.
UPDATE `users` SET `search_name` = lower(`name`) WHERE `name` NOT GLOB '*[^ -~]*' AND `name` NOT LIKE '%  %';
--> statement-breakpoint
CREATE INDEX `users_by_search_name` ON `users` (`search_name`);
--> statement-breakpoint
-- Most people are looked for by their last name: what is left without the part that ends with the last space. A name of one
-- word has its entry in the index above.
CREATE INDEX `users_by_last_name` ON `users` (replace(`search_name`, rtrim(`search_name`, replace(`search_name`, ' ', '')), ''))
	WHERE `search_name` LIKE '% %';
--> statement-breakpoint
CREATE INDEX `users_to_fold` ON `users` (`id`) WHERE "users"."search_name" IS NULL;
--> statement-breakpoint
-- Version 0.6.0 does not know the column.
CREATE TRIGGER `users_inserted_name` AFTER INSERT ON `users`
	WHEN NEW.search_name IS NULL AND NEW.name NOT GLOB '*[^ -~]*' AND NEW.name NOT LIKE '%  %' BEGIN
	UPDATE users SET search_name = lower(NEW.name) WHERE id = NEW.id;
END;
--> statement-breakpoint
CREATE TRIGGER `users_updated_name` AFTER UPDATE OF `name` ON `users`
	WHEN OLD.name <> NEW.name AND OLD.search_name IS NEW.search_name BEGIN
	UPDATE users
		SET search_name = iif(NEW.name NOT GLOB '*[^ -~]*' AND NEW.name NOT LIKE '%  %', lower(NEW.name), NULL) WHERE id = NEW.id;
END;
