"""The queries behind an audit of the history, for SQLite and PostgreSQL alike: they count, and list no candles."""

CANDLES = """
SELECT c.series_id, count(*) AS stored, min(time) AS first, max(time) AS last,
    sum(CASE WHEN time % s.step_seconds <> 0 THEN 1 ELSE 0 END) AS off_grid,
    sum(CASE WHEN time + s.step_seconds > :now THEN 1 ELSE 0 END) AS unfinished,
    sum(CASE WHEN low > 0 AND volume >= 0 AND low <= open AND low <= close AND high >= open AND high >= close
        AND high < :beyond AND volume < :beyond AND open < :beyond AND close < :beyond
        THEN 0 ELSE 1 END) AS broken
FROM crypto_price_history c JOIN price_series s ON s.series_id = c.series_id GROUP BY c.series_id
"""
# A join by the key takes a fifth of the time that a window over all candles does.
FROZEN = """
SELECT c.series_id, count(*) AS frozen
FROM price_series s JOIN crypto_price_history c ON c.series_id = s.series_id
JOIN crypto_price_history p ON p.series_id = c.series_id AND p.time = c.time - s.step_seconds
WHERE c.volume > 0 AND c.volume = p.volume AND c.close = p.close AND c.open = p.open AND c.high = p.high
    AND c.low = p.low
GROUP BY c.series_id
"""
# By blocks of 24 candles: the largest volume of one against the mean of the whole one before it.
OUTLIERS = """
SELECT series_id, count(*) AS outliers FROM (
    SELECT series_id, block, peak, lag(block) OVER past AS block_before, lag(there) OVER past AS there_before,
        lag(usual) OVER past AS usual_before
    FROM (
        SELECT c.series_id, time / (24 * s.step_seconds) AS block, count(*) AS there, max(volume) AS peak,
            avg(volume) AS usual
        FROM crypto_price_history c JOIN price_series s ON s.series_id = c.series_id
        GROUP BY c.series_id, time / (24 * s.step_seconds)
    ) blocks
    WINDOW past AS (PARTITION BY series_id ORDER BY block)
) beside
WHERE block_before = block - 1 AND there_before = 24 AND usual_before > 0 AND peak > :outlier * usual_before
GROUP BY series_id
"""
POINTS = """
SELECT p.series_id, count(*) AS stored, min(time) AS first, max(time) AS last,
    sum(CASE WHEN time % s.step_seconds <> 0 THEN 1 ELSE 0 END) AS off_grid,
    sum(CASE WHEN time > :now THEN 1 ELSE 0 END) AS unfinished,
    sum(CASE WHEN price >= 0 AND price <= 1 THEN 0 ELSE 1 END) AS broken
FROM polymarket_history p JOIN price_series s ON s.series_id = p.series_id GROUP BY p.series_id
"""
SERIES = """
SELECT s.series_id, s.source, s.symbol, s.timeframe,
    (SELECT min(asked_from) FROM history_batches b WHERE b.series_id = s.series_id) AS asked_from,
    (SELECT max(a."end") FROM history_absences a WHERE a.series_id = s.series_id AND a.kind <> :outage) AS absent_to,
    (SELECT count(*) FROM polymarket_markets m WHERE m.token_id = s.symbol AND m.is_closed) AS closed
FROM price_series s ORDER BY s.source, s.symbol, s.step_seconds
"""
# Everything that is known of a span as intervals, in order: what begins later than all before it ended leaves a hole.
# The store's own look for gaps is another one, on purpose: an audit does not ask what it audits.
HOLES = """
SELECT coalesce(sum(lower - reach), 0) / :step AS missing, count(*) AS gaps FROM (
    SELECT lower, max(upper) OVER (ORDER BY lower, upper ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
    FROM (
        SELECT time AS lower, time + :step AS upper FROM {table}
        WHERE series_id = :series AND time >= :start AND time < :end AND time % :step = 0
        UNION ALL SELECT (start + :step - 1) / :step * :step, ("end" + :step - 1) / :step * :step
        FROM history_absences WHERE series_id = :series AND kind <> :outage AND start < :end AND "end" > :start
        UNION ALL SELECT time, time + :step FROM history_quarantine
        WHERE series_id = :series AND decision = 'dropped' AND time >= :start AND time < :end AND time % :step = 0
        UNION ALL SELECT CAST(:start AS BIGINT), CAST(:start AS BIGINT)
        UNION ALL SELECT CAST(:end AS BIGINT), CAST(:end AS BIGINT)
    ) intervals WHERE lower <= :end
) sweep WHERE lower > reach
"""
THERE = "SELECT count(*) FROM {table} WHERE series_id = :series AND time >= :start AND time < :end AND time % :step = 0"
# CROSS JOIN: SQLite keeps this order, where it would begin with all candles of all times.
PAIRS = """
SELECT a.source AS one, b.source AS other, a.symbol, a.timeframe, count(*) AS common, avg(x.close / y.close) AS ratio,
    sum(CASE WHEN abs(x.close / y.close - 1) > :apart THEN 1 ELSE 0 END) AS apart
FROM price_series a CROSS JOIN price_series b CROSS JOIN crypto_price_history x CROSS JOIN crypto_price_history y
WHERE b.symbol = a.symbol AND b.timeframe = a.timeframe AND b.source > a.source
    AND x.series_id = a.series_id AND x.time >= :since AND y.series_id = b.series_id AND y.time = x.time
    AND x.close > 0 AND y.close > 0
GROUP BY a.source, b.source, a.symbol, a.timeframe ORDER BY a.symbol, a.timeframe, a.source, b.source
"""
# Of every batch: what it says it received, and what is stored under its number, counted once for all rules.
_KEPT = """
WITH kept AS (
    SELECT series_id, batch_id, count(*) AS rows FROM crypto_price_history GROUP BY series_id, batch_id
    UNION ALL SELECT series_id, batch_id, count(*) FROM polymarket_history GROUP BY series_id, batch_id
), quarantined AS (
    SELECT batch_id, count(*) AS rows FROM history_quarantine GROUP BY batch_id
)
"""
_BROKEN = {
    "candles_without_series": "SELECT coalesce(sum(k.rows), 0) FROM kept k LEFT JOIN price_series s"
    " ON s.series_id = k.series_id WHERE s.series_id IS NULL",
    "candles_without_batch": "SELECT coalesce(sum(k.rows), 0) FROM kept k LEFT JOIN history_batches b"
    " ON b.batch_id = k.batch_id WHERE b.batch_id IS NULL",
    "candles_of_another_series_batch": "SELECT coalesce(sum(k.rows), 0) FROM kept k JOIN history_batches b"
    " ON b.batch_id = k.batch_id WHERE b.series_id <> k.series_id",
    "batches_that_do_not_add_up": "SELECT count(*) FROM history_batches"
    " WHERE received <> accepted + rejected OR accepted < 0 OR rejected < 0",
    "batches_that_kept_too_much": "SELECT count(*) FROM kept k JOIN history_batches b ON b.batch_id = k.batch_id"
    " WHERE k.rows > b.accepted",
    # The same row with the same fault is kept in quarantine once, however many batches bring it.
    "batches_whose_rejected_are_not_there": "SELECT count(*) FROM history_batches b LEFT JOIN quarantined q"
    " ON q.batch_id = b.batch_id WHERE coalesce(q.rows, 0) > b.rejected OR (b.rejected > 0 AND NOT EXISTS"
    " (SELECT 1 FROM history_quarantine h WHERE h.series_id = b.series_id))",
    "quarantined_without_batch": "SELECT coalesce(sum(q.rows), 0) FROM quarantined q LEFT JOIN history_batches b"
    " ON b.batch_id = q.batch_id WHERE b.batch_id IS NULL",
    "decisions_without_a_reason": "SELECT count(*) FROM history_quarantine WHERE decision IS NOT NULL"
    " AND (decided_at IS NULL OR decided_by IS NULL OR decided_by = '' OR reason IS NULL OR reason = '')",
    "series_twice": "SELECT count(*) FROM (SELECT 1 AS n FROM price_series GROUP BY source, symbol, step_seconds"
    " HAVING count(*) > 1) twice",
    "times_twice": "SELECT count(*) FROM (SELECT 1 AS n FROM crypto_price_history GROUP BY series_id, time"
    " HAVING count(*) > 1) twice",
}
TABLES = _KEPT + "SELECT " + ", ".join(f"({query}) AS {rule}" for rule, query in _BROKEN.items())
