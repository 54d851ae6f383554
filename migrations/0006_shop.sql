ALTER TABLE `items` ADD `taken_down_by` text;--> statement-breakpoint
ALTER TABLE `orders` ADD `number` integer;--> statement-breakpoint
-- Ids are UUIDv7, so the numbers of old orders follow the order in which they were placed.
UPDATE `orders` SET `number` = `numbered`.`number`
FROM (SELECT `id`, 1000 + row_number() OVER (ORDER BY `id`) AS `number` FROM `orders`) AS `numbered`
WHERE `numbered`.`id` = `orders`.`id`;--> statement-breakpoint
CREATE UNIQUE INDEX `orders_by_number` ON `orders` (`number`);--> statement-breakpoint
-- The Worker from before this migration runs until the new one is deployed, and after a rollback. It inserts orders
-- without a number.
CREATE TRIGGER `orders_number` AFTER INSERT ON `orders` WHEN NEW.`number` IS NULL
BEGIN
	UPDATE `orders` SET `number` = (SELECT coalesce(max(`number`), 1000) + 1 FROM `orders`) WHERE `id` = NEW.`id`;
END;
