-- Prefect's own tables live beside ours: both number their schema's versions in a table of the same name.
CREATE DATABASE prefect OWNER nija;
