//! Real recordings, if available: in the folder that `HEAPRACE_SAMPLES` names, or in `shared/samples` next to the
//! checkout. They are not part of the repository.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;

use heaprace_traces::import::{ImportOptions, Repairs};
use heaprace_traces::{Action, Profile, Source};

fn sample(name: &str) -> Option<Source> {
    let sibling = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let path = env::var_os("HEAPRACE_SAMPLES").map_or(sibling, PathBuf::from).join(name);
    if !path.exists() {
        eprintln!("{} is not there: nothing is tested", path.display());
        return None;
    }
    Some(Source::locate(path.to_str().unwrap()).unwrap())
}

/// The profile, how many blocks another thread freed than allocated them, and what was repaired.
fn imported(source: &Source) -> (Profile, u64, Repairs) {
    let mut events = source.open().unwrap();
    let mut profile = Profile::default();
    let mut owners = HashMap::new();
    let mut cross_thread_frees = 0;
    for event in events.by_ref() {
        let event = event.unwrap();
        profile.add(&event);
        match event.action {
            Action::Alloc { .. } => drop(owners.insert(event.id, event.thread)),
            Action::Dealloc { .. } => {
                cross_thread_frees += u64::from(owners.remove(&event.id) != Some(event.thread));
            }
            Action::Realloc { .. } => {}
        }
    }
    (profile, cross_thread_frees, events.repairs().unwrap())
}

#[test]
fn the_surfaceflinger_recording_has_its_known_figures() {
    let Some(source) = sample("android/surfaceflinger.zip") else { return };
    let (profile, cross_thread_frees, repairs) = imported(&source);
    // A free of null is a call, and no event.
    assert_eq!((repairs.calls, repairs.null_frees), (2_455_239, 2_514));
    assert_eq!(profile.events(), 2_455_239 - 2_514);
    assert_eq!((profile.peak_live_bytes, profile.peak_live_objects), (2_063_697, 3_833));
    assert_eq!(cross_thread_frees, 22_209);
    let mut expected = Repairs::default();
    (expected.calls, expected.null_frees) = (2_455_239, 2_514);
    assert_eq!(repairs, expected, "nothing was out of order");
}

#[test]
fn wee_alloc_s_traces_have_their_known_figures() {
    for (name, events, bytes, objects) in [
        ("dogfood", 46_076, 1_359_176, 18_869),
        ("source-map", 2_402, 1_735_775, 1_819),
        ("gcc-hello", 17_775, 9_303_005, 5_732),
        ("ffmpeg", 3_637, 604_146, 1_167),
    ] {
        let Some(source) = sample(&format!("wee_alloc/{name}.trace")) else { return };
        let source = source.with_import(ImportOptions { assume_align_bytes: 8, ..ImportOptions::default() });
        let (profile, _, repairs) = imported(&source);
        let figures = (profile.events(), profile.peak_live_bytes, profile.peak_live_objects);
        assert_eq!(figures, (events, bytes, objects), "{name}");
        assert_eq!(repairs.lines(), [format!("calls read: {events}")]);
    }
}
