"""What the C agent's tests ask of any agent, asked of the Linux agent.

The tests are those of ``tests/firmware/agent``; ``client`` and ``holder`` are this folder's. Left
out are those that need a build of their own, look at the C agent's process, or concern the plan
alone, which that process has here too.
"""

# ruff: noqa: F401  (pytest collects what is imported)

from tests.firmware.agent.test_run import (
    test_a_gap_in_an_input_is_asked_for_again,
    test_a_repeated_run_is_answered_again_not_done_twice,
    test_a_sent_run_needs_every_input_whole,
    test_an_overwritten_input_is_stale_after_one_run,
    test_inputs_of_another_session_are_stale,
    test_inputs_out_of_bounds,
    test_large_outputs_come_in_pages,
    test_requests_that_need_a_plan,
    test_runs_that_mean_nothing,
    test_seeded_inputs_are_the_generators,
    test_sent_inputs_give_their_outputs,
)
from tests.firmware.agent.test_session import (
    test_a_lease_expires_and_requests_renew_it,
    test_a_repeated_lease_is_answered_again_not_done_twice,
    test_a_reset_is_seen,
    test_a_second_session_is_told_who_holds_the_board,
    test_an_echo_is_not_answered,
    test_capabilities_come_in_pages_that_fit_small_frames,
    test_hello_needs_no_lease_and_takes_none,
    test_hello_picks_a_version_both_speak,
    test_hello_refuses_session_zero,
    test_lease_durations_are_bounded,
    test_ping_tells_boot_count_and_uptime,
    test_session_zero_holds_nothing,
    test_the_plan_outlives_its_session,
    test_unknown_types_and_odd_lengths_are_refused,
    test_without_a_lease_there_is_no_session,
)
from tests.firmware.agent.test_upload import (
    test_a_store_that_is_not_there,
    test_a_window_of_chunks_may_be_unanswered,
    test_a_wrong_checksum_is_refused_until_sent_anew,
    test_an_end_before_the_last_byte_names_what_is_missing,
    test_an_upload_is_resumed_even_by_another_session,
    test_another_plan_starts_afresh,
    test_chunks_and_ends_need_a_begin,
    test_chunks_lost_doubled_and_reordered_are_asked_for_again,
    test_chunks_never_reach_past_the_announced_size,
    test_no_plan_remains_once_another_is_begun,
    test_what_is_there_is_not_sent_again,
)
