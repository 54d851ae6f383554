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
