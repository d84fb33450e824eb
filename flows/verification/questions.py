"""Every question that is put to the deployed code, and where."""

from brokers.simulator.manners import VenueName
from flows.verification import adoption, cap, dust, exits, reads, venue_calls
from flows.verification.question import Question

# Two that differ in all that matters here: how they sign, what they say of an order, how they refuse.
VENUES = (VenueName.KRAKEN, VenueName.BINANCE)

QUESTIONS = (
    Question("cap_keeps_the_largest", cap.of_59_holdings_the_8_largest_stay),
    Question("user_cap_of_five", cap.a_user_keeps_the_5_largest),
    Question("unvalued_counts_and_stays", cap.the_unvalued_count_and_are_never_sold),
    Question("second_run_does_nothing", cap.a_second_run_has_nothing_to_do),
    Question("dust_below_threshold_only", dust.exactly_one_dollar_is_not_dust),
    Question("blacklist_round_trip", dust.a_blacklisted_holding_stays_until_it_is_taken_off),
    Question("failed_read_sells_nothing", reads.a_failed_read_sells_nothing),
    Question("empty_read_sells_nothing", reads.an_empty_read_sells_nothing),
    Question("freeze_after_three_failures", reads.three_failures_freeze_a_symbol),
    Question("exits_fire", exits.each_exit_fires_for_its_own_reason),
    Question("halted_account_still_exits", exits.a_halted_account_still_leaves_at_its_stop),
    Question("breaker_keeps_calls_back", venue_calls.an_open_breaker_keeps_calls_back),
    Question("lost_answer_is_sent_once", venue_calls.an_order_whose_answer_is_lost_is_sent_once),
    Question("adoption_twice_changes_nothing", adoption.adopting_twice_changes_nothing),
)
