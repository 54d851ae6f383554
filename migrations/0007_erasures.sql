-- One row for each deleted account that owned too much for one commit.
CREATE TABLE `erasures` (
	`user_id` text PRIMARY KEY NOT NULL,
	`steps` integer NOT NULL,
	`rows` integer NOT NULL,
	`attempts` integer NOT NULL,
	`last_error` text,
	`started_at` text NOT NULL,
	`progressed_at` integer NOT NULL

) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `erasures_by_progress` ON `erasures` (`progressed_at`);
--> statement-breakpoint
-- The foreign keys to `users` would delete everything that an account owns in one statement. SQLite drops a foreign key only
-- with its table. The new tables refer to each other until they have their names: dropping a table deletes its rows first,
-- which would delete those of the tables that refer to it.
CREATE TABLE `__new_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` text NOT NULL,
	`revoked_at` integer,
	`network` text
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_sessions`("id", "user_id", "version", "created_at", "revoked_at", "network") SELECT "id", "user_id", "version", "created_at", "revoked_at", "network" FROM `sessions`;
--> statement-breakpoint
CREATE TABLE `__new_refresh_tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL REFERENCES `__new_sessions`(`id`) ON DELETE cascade,
	`expires_at` integer NOT NULL,
	`used_at` integer
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_refresh_tokens` (`hash`, `session_id`, `expires_at`, `used_at`) SELECT `hash`, `session_id`, `expires_at`, `used_at` FROM `refresh_tokens`;
--> statement-breakpoint
CREATE TABLE `__new_orders` (
	`id` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`number` integer,
	`customer_id` text,
	`status` text NOT NULL,
	`lines` text NOT NULL,
	`line_count` integer NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	CONSTRAINT "orders_status" CHECK("__new_orders"."status" IN ('placed', 'shipped', 'delivered', 'cancelled'))
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_orders`("id", "version", "number", "customer_id", "status", "lines", "line_count", "amount", "currency", "created_at", "updated_at") SELECT "id", "version", "number", "customer_id", "status", "lines", "line_count", "amount", "currency", "created_at", "updated_at" FROM `orders`;
--> statement-breakpoint
CREATE TABLE `__new_shipping_addresses` (
	`order_id` text PRIMARY KEY NOT NULL,
	`customer_id` text NOT NULL,
	`address` text NOT NULL,
	FOREIGN KEY (`order_id`) REFERENCES `__new_orders`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_shipping_addresses`("order_id", "customer_id", "address") SELECT "order_id", "customer_id", "address" FROM `shipping_addresses`;
--> statement-breakpoint
CREATE TABLE `__new_tickets` (
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
	`customer_version` integer NOT NULL,
	`customer_updated_at` text NOT NULL,
	FOREIGN KEY (`order_id`) REFERENCES `__new_orders`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "tickets_status" CHECK("__new_tickets"."status" IN ('open', 'triaged', 'closed')),
	CONSTRAINT "tickets_order" CHECK("__new_tickets"."order_id" <> '')
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_tickets`("id", "version", "customer_id", "order_id", "subject", "message", "preview", "note_preview", "has_note", "status", "created_at", "updated_at", "triage_seconds", "triaged_at", "customer_version", "customer_updated_at") SELECT "id", "version", "customer_id", "order_id", "subject", "message", "preview", "note_preview", "has_note", "status", "created_at", "updated_at", "triage_seconds", "triaged_at", "customer_version", "customer_updated_at" FROM `tickets`;
--> statement-breakpoint
CREATE TABLE `__new_ticket_notes` (
	`id` text PRIMARY KEY NOT NULL,
	`ticket_id` text NOT NULL REFERENCES `__new_tickets`(`id`) ON DELETE cascade,
	`author_id` text NOT NULL,
	`note` text NOT NULL,
	`created_at` text NOT NULL
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_ticket_notes` (`id`, `ticket_id`, `author_id`, `note`, `created_at`) SELECT `id`, `ticket_id`, `author_id`, `note`, `created_at` FROM `ticket_notes`;
--> statement-breakpoint
DROP TABLE `refresh_tokens`;
--> statement-breakpoint
DROP TABLE `sessions`;
--> statement-breakpoint
DROP TABLE `shipping_addresses`;
--> statement-breakpoint
DROP TABLE `ticket_notes`;
--> statement-breakpoint
DROP TABLE `tickets`;
--> statement-breakpoint
DROP TABLE `orders`;
--> statement-breakpoint
ALTER TABLE `__new_sessions` RENAME TO `sessions`;
--> statement-breakpoint
ALTER TABLE `__new_refresh_tokens` RENAME TO `refresh_tokens`;
--> statement-breakpoint
ALTER TABLE `__new_orders` RENAME TO `orders`;
--> statement-breakpoint
ALTER TABLE `__new_shipping_addresses` RENAME TO `shipping_addresses`;
--> statement-breakpoint
ALTER TABLE `__new_tickets` RENAME TO `tickets`;
--> statement-breakpoint
ALTER TABLE `__new_ticket_notes` RENAME TO `ticket_notes`;
--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`network`);
--> statement-breakpoint
CREATE INDEX `orders_by_customer` ON `orders` (`customer_id`,`id`);
--> statement-breakpoint
CREATE UNIQUE INDEX `orders_by_number` ON `orders` (`number`);
--> statement-breakpoint
CREATE INDEX `orders_by_status` ON `orders` (`status`,`id`);
--> statement-breakpoint
CREATE INDEX `orders_by_customer_and_status` ON `orders` (`customer_id`,`status`,`id`);
--> statement-breakpoint
CREATE INDEX `shipping_addresses_by_customer` ON `shipping_addresses` (`customer_id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_customer` ON `tickets` (`customer_id`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_customer_and_status` ON `tickets` (`customer_id`,`status`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_status` ON `tickets` (`status`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_note` ON `tickets` (`has_note`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_status_and_note` ON `tickets` (`status`,`has_note`,`id`);
--> statement-breakpoint
CREATE INDEX `tickets_by_triage` ON `tickets` (`triaged_at`,`triage_seconds`) WHERE "tickets"."triaged_at" IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_session` ON `refresh_tokens` (`session_id`);
--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_expiry` ON `refresh_tokens` (`expires_at`);
--> statement-breakpoint
CREATE INDEX `ticket_notes_by_ticket` ON `ticket_notes` (`ticket_id`,`id`);
--> statement-breakpoint
-- The triggers of a table disappear with it. These are as they were.
CREATE TRIGGER `orders_number` AFTER INSERT ON `orders` WHEN NEW.`number` IS NULL
BEGIN
	UPDATE `orders` SET `number` = (SELECT coalesce(max(`number`), 1000) + 1 FROM `orders`) WHERE `id` = NEW.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `orders_inserted` AFTER INSERT ON `orders` BEGIN
	INSERT INTO count_changes SELECT 'orders', column1, NULL, NEW.status FROM (VALUES (''), (NEW.customer_id));
END;
--> statement-breakpoint
CREATE TRIGGER `orders_updated` AFTER UPDATE OF `status` ON `orders` WHEN OLD.status <> NEW.status BEGIN
	INSERT INTO count_changes SELECT 'orders', column1, OLD.status, NEW.status FROM (VALUES (''), (NEW.customer_id));
END;
--> statement-breakpoint
CREATE TRIGGER `orders_deleted` AFTER DELETE ON `orders` BEGIN
	INSERT INTO count_changes SELECT 'orders', column1, OLD.status, NULL FROM (VALUES (''), (OLD.customer_id));
END;
--> statement-breakpoint
CREATE TRIGGER `tickets_inserted` AFTER INSERT ON `tickets` BEGIN
	INSERT INTO count_changes VALUES
		('tickets', '', NULL, NEW.status || ':' || iif(NEW.has_note, 'true', 'false')),
		('tickets', NEW.customer_id, NULL, NEW.status);
END;
--> statement-breakpoint
CREATE TRIGGER `tickets_updated` AFTER UPDATE OF `status`, `has_note` ON `tickets`
	WHEN OLD.status <> NEW.status OR OLD.has_note <> NEW.has_note BEGIN
	INSERT INTO count_changes VALUES
		('tickets', '', OLD.status || ':' || iif(OLD.has_note, 'true', 'false'), NEW.status || ':' || iif(NEW.has_note, 'true', 'false')),
		('tickets', NEW.customer_id, OLD.status, NEW.status);
END;
--> statement-breakpoint
CREATE TRIGGER `tickets_deleted` AFTER DELETE ON `tickets` BEGIN
	INSERT INTO count_changes VALUES
		('tickets', '', OLD.status || ':' || iif(OLD.has_note, 'true', 'false'), NULL),
		('tickets', OLD.customer_id, OLD.status, NULL);
END;
--> statement-breakpoint
-- An erasure takes the orders from their customer in steps, and the counts of the account go down with them.
CREATE TRIGGER `orders_released` AFTER UPDATE OF `customer_id` ON `orders` WHEN OLD.customer_id IS NOT NEW.customer_id BEGIN
	INSERT INTO count_changes VALUES ('orders', OLD.customer_id, OLD.status, NULL);
END;
--> statement-breakpoint
DROP TRIGGER `users_deleted`;
--> statement-breakpoint
CREATE TRIGGER `users_deleted` BEFORE DELETE ON `users` BEGIN
	INSERT INTO count_changes VALUES ('users', '', 'all', NULL);
	DELETE FROM list_counts
		WHERE owner = OLD.id AND NOT EXISTS (SELECT 1 FROM erasures WHERE user_id = OLD.id);
END;
--> statement-breakpoint
-- What the foreign keys did, for accounts without an erasure: those that own little, and those that version 0.5.0 deletes.
CREATE TRIGGER `users_deleted_rows` AFTER DELETE ON `users`
	WHEN NOT EXISTS (SELECT 1 FROM erasures WHERE user_id = OLD.id) BEGIN
	DELETE FROM sessions WHERE user_id = OLD.id;
	DELETE FROM tickets WHERE customer_id = OLD.id;
	DELETE FROM shipping_addresses WHERE customer_id = OLD.id;
	UPDATE orders SET customer_id = NULL WHERE customer_id = OLD.id;
END;
--> statement-breakpoint
CREATE TRIGGER `erasures_deleted` AFTER DELETE ON `erasures` BEGIN
	DELETE FROM list_counts WHERE owner = OLD.user_id;
END;
