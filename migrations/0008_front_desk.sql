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
-- Version 0.6.0 may also finish an erasure in steps, which would leave the tickets with an account that does not exist.
DROP TRIGGER `erasures_deleted`;
--> statement-breakpoint
CREATE TRIGGER `erasures_deleted` AFTER DELETE ON `erasures` BEGIN
	UPDATE tickets SET assignee_id = NULL WHERE assignee_id = OLD.user_id;
	DELETE FROM list_counts WHERE owner = OLD.user_id;
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
--> statement-breakpoint
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
--> statement-breakpoint
CREATE TABLE `sales_days` (
	`date` text NOT NULL,
	`currency` text NOT NULL,
	`orders` integer NOT NULL,
	`revenue` integer NOT NULL,
	PRIMARY KEY(`date`, `currency`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `item_sales` (
	`date` text NOT NULL,
	`item_id` text NOT NULL,
	`title` text NOT NULL,
	`pieces` integer NOT NULL,
	PRIMARY KEY(`date`, `item_id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `item_sales_by_pieces` ON `item_sales` (`date`,`pieces`,`item_id`);
--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `sales_after` text;
--> statement-breakpoint
-- The lines of orders as rows, with the day (UTC) on which the order was placed. What is no line is left out.
CREATE VIEW `order_lines` AS
	SELECT orders.id AS order_id, substr(orders.created_at, 1, 10) AS date, orders.number, orders.status,
		line.value ->> 'itemId' AS item_id, line.value ->> 'title' AS title, line.value ->> 'quantity' AS pieces
	FROM orders, json_each(iif(json_valid(orders.lines), orders.lines, '[]')) AS line
	WHERE CASE WHEN line.type = 'object' THEN json_type(line.value, '$.itemId') = 'text'
		AND json_type(line.value, '$.title') = 'text' AND json_type(line.value, '$.quantity') = 'integer' END;
--> statement-breakpoint
-- An order that counts from now on (1), counts no more (-1), or never counted (0). No content of an order may make its commit
-- fail here, so what is no line is left out, and the revenue stops at the largest number that is exact in JSON.
CREATE VIEW `sales_changes` AS SELECT '' AS order_id, 0 AS sign WHERE false;
--> statement-breakpoint
CREATE TRIGGER `sales_changes_kept` INSTEAD OF INSERT ON `sales_changes` BEGIN
	INSERT INTO sales_days (date, currency, orders, revenue)
		SELECT substr(created_at, 1, 10), currency, NEW.sign, NEW.sign * amount FROM orders WHERE id = NEW.order_id
			AND (NEW.sign >= 0 OR (substr(created_at, 1, 10), currency) IN (SELECT date, currency FROM sales_days))
		ON CONFLICT (date, currency) DO UPDATE SET orders = orders + excluded.orders,
			revenue = max(0, min(revenue + excluded.revenue, 9007199254740991));
	-- The rows of old days are removed, and no cancellation brings one back.
	INSERT INTO item_sales (date, item_id, title, pieces)
		SELECT date, item_id, title, NEW.sign * pieces FROM order_lines WHERE order_id = NEW.order_id
			AND (NEW.sign >= 0 OR (date, item_id) IN (SELECT date, item_id FROM item_sales))
		ON CONFLICT (date, item_id) DO UPDATE SET pieces = pieces + excluded.pieces,
			title = iif(NEW.sign < 0, title, excluded.title);
END;
--> statement-breakpoint
CREATE TRIGGER `orders_sold` AFTER INSERT ON `orders` BEGIN
	INSERT INTO sales_changes VALUES (NEW.id, NEW.status <> 'cancelled');
END;
--> statement-breakpoint
CREATE TRIGGER `orders_taken_back` AFTER UPDATE OF `status` ON `orders`
	WHEN (OLD.status = 'cancelled') <> (NEW.status = 'cancelled') BEGIN
	INSERT INTO sales_changes VALUES (NEW.id, iif(NEW.status = 'cancelled', -1, 1));
END;
--> statement-breakpoint
CREATE TRIGGER `orders_removed` BEFORE DELETE ON `orders` WHEN OLD.status <> 'cancelled' BEGIN
	INSERT INTO sales_changes VALUES (OLD.id, -1);
END;
--> statement-breakpoint
INSERT INTO `sales_days` (`date`, `currency`, `orders`, `revenue`)
	SELECT substr(created_at, 1, 10) AS date, currency, sum(status <> 'cancelled'),
		CAST(min(total(iif(status <> 'cancelled', amount, 0)), 9007199254740991) AS INTEGER)
	FROM `orders` GROUP BY date, currency;
--> statement-breakpoint
-- The dashboard shows the items of 30 days, so the lines of older orders need not be read.
INSERT INTO `item_sales` (`date`, `item_id`, `title`, `pieces`)
	SELECT date, item_id, title, pieces FROM (
		SELECT date, item_id, title, max(number), sum(iif(status <> 'cancelled', pieces, 0)) AS pieces
		FROM `order_lines` WHERE date >= (SELECT date(max(date), '-40 days') FROM `sales_days`) GROUP BY date, item_id);
--> statement-breakpoint
CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` text NOT NULL,
	`expires_at` integer,
	`last_used_at` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `api_keys_by_user` ON `api_keys` (`user_id`);
--> statement-breakpoint
ALTER TABLE `users` ADD `is_service` integer DEFAULT false NOT NULL;
--> statement-breakpoint
CREATE INDEX `events_by_key` ON `events` ("metadata" ->> 'keyId',`position`) WHERE "events"."metadata" ->> 'keyId' IS NOT NULL;
--> statement-breakpoint
-- Version 0.5.0 had deliveries for analytics, and found rows by `rowid`. Nothing handles or uses either any more.
DELETE FROM `deliveries` WHERE `subscription` = 'analytics';
--> statement-breakpoint
ALTER TABLE `deliveries` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `refresh_tokens` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `password_resets` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `limited_emails` DROP COLUMN `rowid`;
--> statement-breakpoint
ALTER TABLE `idempotency_keys` DROP COLUMN `rowid`;
