-- JSON pointers to where a site's sender puts things. Empty: wherever the payload's dialect says.
ALTER TABLE site ADD COLUMN map_title TEXT NOT NULL DEFAULT '';
ALTER TABLE site ADD COLUMN map_body TEXT NOT NULL DEFAULT '';
ALTER TABLE site ADD COLUMN map_link TEXT NOT NULL DEFAULT '';
ALTER TABLE site ADD COLUMN map_image TEXT NOT NULL DEFAULT '';
ALTER TABLE site ADD COLUMN map_tag TEXT NOT NULL DEFAULT '';
