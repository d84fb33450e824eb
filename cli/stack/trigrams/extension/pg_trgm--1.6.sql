-- Prefect's schema has seven indexes "USING gin (name gin_trgm_ops)", which make a search for a part of a name quick, and
-- asks nothing else of the extension. These make such an index possible, and empty: an item without keys is kept as one
-- placeholder (https://www.postgresql.org/docs/18/gin.html), and a class without operators is never asked. A search for a
-- part of a name reads the table instead. A dump made here and restored where the real extension is has real indexes.
--
-- void_in answers 0, which is "no keys" of whoever is asked for keys, and "no match" of whoever is asked for one.
CREATE FUNCTION gin_trgm_no_keys(internal, internal, internal) RETURNS internal
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'void_in';
CREATE FUNCTION gin_trgm_no_query(text, internal, smallint, internal, internal, internal, internal) RETURNS internal
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'void_in';
CREATE FUNCTION gin_trgm_no_match(internal, smallint, text, integer, internal, internal, internal, internal)
  RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'void_in';
CREATE OPERATOR CLASS gin_trgm_ops FOR TYPE text USING gin AS
  FUNCTION 1 bttextcmp(text, text),
  FUNCTION 2 gin_trgm_no_keys(internal, internal, internal),
  FUNCTION 3 gin_trgm_no_query(text, internal, smallint, internal, internal, internal, internal),
  FUNCTION 4 gin_trgm_no_match(internal, smallint, text, integer, internal, internal, internal, internal);
