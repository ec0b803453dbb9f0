use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::*;

/// Says its number, and dies if it is one of the first two.
async fn work(number: u32, told: mpsc::Sender<u32>) {
    told.send(number).await.unwrap();
    assert!(number > 2, "dies");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_task_that_dies_is_begun_again_and_one_that_is_dropped_ends() {
    let (told, mut hear) = mpsc::channel(8);
    let begun = Rc::new(Cell::new(0));
    let counted = Rc::clone(&begun);
    let begin = move || {
        counted.set(counted.get() + 1);
        work(counted.get(), told.clone())
    };
    let local = LocalSet::new();
    let task = local.spawn_local(kept("test", begin));
    let third = async {
        for number in 1..=3 {
            assert_eq!(hear.recv().await, Some(number));
        }
    };
    local.run_until(third).await;
    task.abort();
    local.run_until(async { assert_eq!(hear.recv().await, None) }).await;
    assert_eq!(begun.get(), 3);
}
