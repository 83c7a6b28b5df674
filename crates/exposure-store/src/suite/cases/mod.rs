//! The cases of the suite; each takes what makes a harness, and panics where a store is wrong.

mod dedupe;
mod documents;
mod erasing;
mod feeding;
mod histories;
mod pages;
mod rejects;
mod sharing;
mod support;
mod writers;

pub use dedupe::{
    an_insert_id_lives_seven_days, duplicates_are_kept_for_explain,
    insert_ids_are_scoped_to_project_and_owner,
};
pub use documents::the_greater_document_stands;
pub use erasing::{
    an_erase_and_late_events_commute, an_erase_takes_all_of_a_user, histories_with_erases_agree,
    late_events_are_counted_by_library,
};
pub use feeding::{
    a_waiting_reader_is_woken, the_feed_goes_on_from_any_cursor, the_feed_rebuilds_the_registers,
};
pub use histories::{
    any_order_ends_in_one_state, histories_agree_with_the_model, restarts_change_nothing,
};
pub use pages::{events_are_scanned_once_while_writing, profiles_are_scanned_once_while_writing};
pub use rejects::{rejects_are_kept_and_counted, usage_is_by_day_of_receipt};
pub use sharing::a_shared_device_stays_one;
pub use writers::{acknowledged_is_kept_when_killed, writers_of_one_key_agree};
