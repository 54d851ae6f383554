CREATE TABLE `projection_lags` (
	`slot` integer PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL,
	`counts` text NOT NULL
) STRICT;
