use super::support::{Bench, check, modelled};
use crate::suite::history::{Break, plan};
use crate::suite::model::Model;
use crate::suite::{MakeHarness, assert_answers, block_on};

/// Every answer equals the model's after any history.
pub fn histories_agree_with_the_model(make: MakeHarness<'_>) {
    check(48, &plan(1..40), |plan| {
        let limits = plan.limits();
        let mut bench = Bench::new(make(), limits.clone());
        let mut model = Model::new(limits);
        let arrivals: Vec<_> = plan.history.iter().collect();
        bench.replay(&mut model, &arrivals, &plan.sizes, &[]);
        assert_answers(&*bench.store(), &model);
    });
}

/// The same events in another order, other batches, some repeated: the same state.
pub fn any_order_ends_in_one_state(make: MakeHarness<'_>) {
    check(48, &plan(1..40), |plan| {
        let limits = plan.limits();
        let expected = modelled(&plan.history, &limits).state_hash();
        let mut bench = Bench::new(make(), limits.clone());
        let mut model = Model::new(limits);
        bench.replay(&mut model, &plan.shuffled(), &plan.sizes, &[]);
        let hash = block_on(bench.store().state_hash()).expect("the state is hashed");
        assert_eq!(hash, expected, "the state hash after another order");
        assert_answers(&*bench.store(), &model);
    });
}

/// Closed or killed between batches, and opened again: nothing is different.
pub fn restarts_change_nothing(make: MakeHarness<'_>) {
    check(24, &plan(1..30), |plan| {
        let limits = plan.limits();
        let expected = modelled(&plan.history, &limits).state_hash();
        let mut bench = Bench::new(make(), limits.clone());
        let mut model = Model::new(limits);
        bench.replay(&mut model, &plan.shuffled(), &plan.sizes, &plan.breaks);
        bench.interrupt(Break::Kill);
        let hash = block_on(bench.store().state_hash()).expect("the state is hashed");
        assert_eq!(hash, expected, "the state hash after restarts");
        assert_answers(&*bench.store(), &model);
        bench.interrupt(Break::Reopen);
        assert_answers(&*bench.store(), &model);
    });
}
