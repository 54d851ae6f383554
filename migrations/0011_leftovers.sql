ALTER TABLE `email_confirmations` ADD `is_previous_confirmed` integer DEFAULT false NOT NULL;
--> statement-breakpoint
-- Names that version 0.7.0 folded without these letters. The hourly task folds them again, and a folded name has none of them.
CREATE INDEX `users_to_fold_again` ON `users` (`id`) WHERE "search_name" GLOB '*[ßæœøłđðþħŧŋı]*';
