//! One test of each case.

/// Makes one test of each case of the suite; `$make` gives a boxed [`Harness`](crate::suite::Harness).
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance! { @each $make;
            a_shared_device_stays_one
            a_waiting_reader_is_woken
            acknowledged_is_kept_when_killed
            an_erase_and_late_events_commute
            an_erase_takes_all_of_a_user
            an_insert_id_lives_seven_days
            any_order_ends_in_one_state
            duplicates_are_kept_for_explain
            events_are_scanned_once_while_writing
            histories_agree_with_the_model
            histories_with_erases_agree
            insert_ids_are_scoped_to_project_and_owner
            late_events_are_counted_by_library
            profiles_are_scanned_once_while_writing
            rejects_are_kept_and_counted
            restarts_change_nothing
            the_feed_goes_on_from_any_cursor
            the_feed_rebuilds_the_registers
            the_greater_document_stands
            usage_is_by_day_of_receipt
            writers_of_one_key_agree
        }
    };
    (@each $make:expr; $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::suite::cases::$case(&|| $make);
            }
        )*
    };
}
