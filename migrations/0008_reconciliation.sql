ALTER TABLE `reconciliation` ADD `epoch` text;--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `keys` integer;--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `rows_started_at` integer;--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `rows_finished_at` integer;--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `documents_started_at` integer;--> statement-breakpoint
ALTER TABLE `reconciliation` ADD `documents_finished_at` integer;