CREATE TABLE `list_counts` (
	`list` text NOT NULL,
	`owner` text NOT NULL,
	`counts` text NOT NULL,
	PRIMARY KEY(`owner`, `list`),
	CONSTRAINT "list_counts_counts" CHECK(json_valid("counts"))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `projection_lags` (
	`slot` integer PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL,
	`counts` text NOT NULL
) STRICT;
--> statement-breakpoint
ALTER TABLE `deliveries` ADD `tries` integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE `deliveries` ADD `fault` text;
--> statement-breakpoint
CREATE INDEX `deliveries_dead_by_fault` ON `deliveries` (`fault`,`subscription`,`position`) WHERE "deliveries"."status" = 'dead';
--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `counts_after` text;
--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `lists_counted` text;
--> statement-breakpoint
ALTER TABLE `items` ADD `taken_down_by` text;
--> statement-breakpoint
ALTER TABLE `orders` ADD `number` integer;
--> statement-breakpoint
-- Ids are UUIDv7, so the numbers of old orders follow the order in which they were placed.
UPDATE `orders` SET `number` = `numbered`.`number`
FROM (SELECT `id`, 1000 + row_number() OVER (ORDER BY `id`) AS `number` FROM `orders`) AS `numbered`
WHERE `numbered`.`id` = `orders`.`id`;
--> statement-breakpoint
CREATE UNIQUE INDEX `orders_by_number` ON `orders` (`number`);
--> statement-breakpoint
-- The Worker from before this migration runs until the new one is deployed, and after a rollback. It inserts orders
-- without a number.
CREATE TRIGGER `orders_number` AFTER INSERT ON `orders` WHEN NEW.`number` IS NULL
BEGIN
	UPDATE `orders` SET `number` = (SELECT coalesce(max(`number`), 1000) + 1 FROM `orders`) WHERE `id` = NEW.`id`;
END;
--> statement-breakpoint
-- The tries of what had failed before were not counted; this is what was shown as their number.
UPDATE `deliveries` SET `tries` = `attempts` + `failures` + `unclear_sends` WHERE `first_failed_at` IS NOT NULL;
--> statement-breakpoint
-- A row of an owner that counted by one filter, and counts by another one now. NULL is no filter: a new or a deleted row.
CREATE VIEW `count_changes` AS SELECT '' AS list, '' AS owner, '' AS old_filter, '' AS new_filter WHERE false;
--> statement-breakpoint
CREATE TRIGGER `count_changes_kept` INSTEAD OF INSERT ON `count_changes` WHEN NEW.old_filter IS NOT NEW.new_filter BEGIN
	INSERT INTO list_counts (list, owner, counts)
		SELECT NEW.list, NEW.owner, '{}' WHERE NEW.old_filter IS NULL AND NEW.owner IS NOT NULL
		ON CONFLICT (list, owner) DO NOTHING;
	UPDATE list_counts SET counts = (
		SELECT json_group_object(filter, number) FROM (
			SELECT filter, sum(change) AS number FROM (
				SELECT key AS filter, value AS change FROM json_each(list_counts.counts)
				UNION ALL SELECT NEW.old_filter, -1
				UNION ALL SELECT NEW.new_filter, 1)
			WHERE filter IS NOT NULL GROUP BY filter HAVING sum(change) <> 0 ORDER BY filter))
	WHERE list = NEW.list AND owner = NEW.owner;
END;
--> statement-breakpoint
CREATE TRIGGER `users_inserted` AFTER INSERT ON `users` BEGIN
	INSERT INTO count_changes VALUES ('users', '', NULL, 'all');
END;
--> statement-breakpoint
CREATE TRIGGER `users_deleted` BEFORE DELETE ON `users` BEGIN
	INSERT INTO count_changes VALUES ('users', '', 'all', NULL);
	DELETE FROM list_counts WHERE owner = OLD.id;
END;
--> statement-breakpoint
CREATE TRIGGER `items_inserted` AFTER INSERT ON `items` BEGIN
	INSERT INTO count_changes
		SELECT 'items', column1, NULL, iif(NEW.is_active, 'true', 'false') FROM (VALUES (''), (NEW.owner_id));
END;
--> statement-breakpoint
CREATE TRIGGER `items_updated` AFTER UPDATE OF `is_active` ON `items` WHEN OLD.is_active <> NEW.is_active BEGIN
	INSERT INTO count_changes
		SELECT 'items', column1, iif(OLD.is_active, 'true', 'false'), iif(NEW.is_active, 'true', 'false')
		FROM (VALUES (''), (NEW.owner_id));
END;
--> statement-breakpoint
CREATE TRIGGER `items_deleted` AFTER DELETE ON `items` BEGIN
	INSERT INTO count_changes
		SELECT 'items', column1, iif(OLD.is_active, 'true', 'false'), NULL FROM (VALUES (''), (OLD.owner_id));
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
INSERT INTO `list_counts` (`list`, `owner`, `counts`)
	SELECT 'users', owner, json_group_object(filter, number) FROM (
		SELECT owner, filter, count(*) AS number FROM (
			SELECT '' AS owner, 'all' AS filter FROM `users`)
		GROUP BY owner, filter ORDER BY owner, filter)
	GROUP BY owner;
--> statement-breakpoint
INSERT INTO `list_counts` (`list`, `owner`, `counts`)
	SELECT 'items', owner, json_group_object(filter, number) FROM (
		SELECT owner, filter, count(*) AS number FROM (
			SELECT '' AS owner, iif(is_active, 'true', 'false') AS filter FROM `items`
			UNION ALL SELECT owner_id, iif(is_active, 'true', 'false') FROM `items`)
		GROUP BY owner, filter ORDER BY owner, filter)
	GROUP BY owner;
--> statement-breakpoint
INSERT INTO `list_counts` (`list`, `owner`, `counts`)
	SELECT 'orders', owner, json_group_object(filter, number) FROM (
		SELECT owner, filter, count(*) AS number FROM (
			SELECT '' AS owner, status AS filter FROM `orders`
			UNION ALL SELECT customer_id, status FROM `orders` WHERE customer_id IS NOT NULL)
		GROUP BY owner, filter ORDER BY owner, filter)
	GROUP BY owner;
--> statement-breakpoint
INSERT INTO `list_counts` (`list`, `owner`, `counts`)
	SELECT 'tickets', owner, json_group_object(filter, number) FROM (
		SELECT owner, filter, count(*) AS number FROM (
			SELECT '' AS owner, status || ':' || iif(has_note, 'true', 'false') AS filter FROM `tickets`
			UNION ALL SELECT customer_id, status FROM `tickets`)
		GROUP BY owner, filter ORDER BY owner, filter)
	GROUP BY owner;
