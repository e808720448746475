//! A seed settles a run. Alone in its program: the generators are those of the whole program.

use burn_seven_tests::finetune::run;

#[test]
fn the_same_settings_give_the_same_run() {
    let [mut first, second] = [run(&["--seed=3"]), run(&["--seed=3"])];
    first.seconds = second.seconds;
    assert_eq!(first, second);
    assert_ne!(first.losses, run(&["--seed=4"]).losses);
}
