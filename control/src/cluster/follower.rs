//! The task that serves one gateway: pushes to it, and asks its servers through it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::action::Action;
use super::apply::Apply;
use super::lateness::Lateness;
use super::live::Live;
use super::nudges::{Nudges, Pair};
use crate::discovery::{Discovery, Event, PublicEndpoint, Subject, Timing};
use crate::gateway_client::{GatewayClient, NotLive};
use crate::object::ObjectName;
use crate::timer::at;

/// Between two looks whether a push is live.
const LOOK: Duration = Duration::from_millis(100);

/// The same, once it takes long.
const LATER: Duration = Duration::from_secs(2);

/// Between two looks at a gateway that serves what it shall.
const WATCH: Duration = Duration::from_secs(30);

/// Connections by which that is seen, each to whichever of the gateway's Pods gets it.
const LOOKS: usize = 4;

/// Further ones where it was pushed to or has served something else: one Pod of several is to be missed by luck neither
/// then, nor in one of the many rounds before that is told.
const MORE: usize = 12;

/// What Istio's agent has a gateway answer whose image it cannot pull.
const CLOSED: u16 = 403;

/// Between two tries to push.
const RETRY: Duration = Duration::from_secs(2);

/// What a gateway shall be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    /// What the filter shows once the actions are in force.
    pub(super) generation: String,
    /// Whether what runs the filter has that, or is about to.
    pub(super) is_given: bool,
    /// What `pluginConfig` takes in JSON.
    pub(super) bytes: usize,
    /// What it serves then.
    pub(super) live: Live,
    /// What is to be done to what runs its filter.
    pub(super) actions: Vec<Action>,
    /// What is to be done beside that. Without it the gateway serves everything else.
    pub(super) beside: Vec<Action>,
    /// Those of control's own that are there.
    pub(super) pair: Option<Pair>,
    /// Whose lists are read through it, once the configuration is live.
    pub(super) subjects: Vec<Subject>,
    /// Where the filter tells its generation.
    pub(super) endpoint: Option<PublicEndpoint>,
}

impl Wanted {
    /// Whether there is anything to be done.
    pub(super) fn has_actions(&self) -> bool {
        !self.actions.is_empty() || !self.beside.is_empty()
    }
}

/// What happens to a gateway.
#[derive(Debug)]
pub(super) enum News {
    /// Discovery has something to say.
    Discovered(Event),
    /// A configuration of so many bytes was written.
    Pushed { bytes: usize },
    /// The apiserver does not take it, for this reason where that is to be told. It is tried again.
    NotPushed { trouble: Option<String> },
    /// The gateway serves what it shall.
    Live(Live),
    /// It serves this generation instead of that which it was given.
    Behind { serves: String, given: String },
    /// It serves something else for some time.
    NotLive { reason: String },
    /// What it serves cannot be seen for some time.
    Unseen { reason: String },
}

/// A follower at work. Ends in order when it is dropped, if its news are heard or nobody listens any more.
#[derive(Debug)]
pub(super) struct Follower {
    wanted: watch::Sender<Arc<Wanted>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Follower {
    /// Starts one for a gateway. It tells of itself by `news`, under its name.
    pub(super) fn start(
        gateway: ObjectName,
        way: Way,
        news: mpsc::Sender<(ObjectName, News)>,
    ) -> Self {
        let wanted = watch::Sender::new(Arc::default());
        let (stop, stopped) = oneshot::channel();
        let work = Work {
            gateway,
            way,
            news,
            wanted: wanted.subscribe(),
            phase: Phase::Idle,
            lateness: Lateness::default(),
            failure: None,
            failure_beside: None,
        };
        let task = tokio::spawn(work.run(stopped));
        Self {
            wanted,
            stop: Some(stop),
            task,
        }
    }

    /// Asks for this instead of whatever was asked for before.
    pub(super) fn want(&self, wanted: Wanted) {
        self.wanted.send_replace(Arc::new(wanted));
    }

    /// Ends the sessions with the servers. Takes two seconds at most.
    pub(super) async fn stop(mut self) {
        self.stop.take();
        if let Err(error) = self.task.await {
            tracing::error!("a gateway's task has ended: {error}");
        }
    }
}

/// How a gateway is reached, and what makes it what it is.
#[derive(Debug)]
pub(super) struct Way {
    /// Or why it cannot be reached.
    pub(super) client: Result<GatewayClient, String>,
    pub(super) apply: Apply,
    pub(super) nudges: Nudges,
}

#[derive(Debug)]
struct Work {
    gateway: ObjectName,
    way: Way,
    news: mpsc::Sender<(ObjectName, News)>,
    wanted: watch::Receiver<Arc<Wanted>>,
    phase: Phase,
    lateness: Lateness,
    /// Why the latest push has failed.
    failure: Option<String>,
    /// Why what is done beside it has failed. It is tried again with each look.
    failure_beside: Option<String>,
}

/// Why it is not known what a gateway serves.
#[derive(Debug, thiserror::Error)]
enum Unseen {
    #[error("{0}")]
    NoWay(String),
    #[error(transparent)]
    NotLive(#[from] NotLive),
}

impl Unseen {
    /// Whether it answers as one that could not pull its image.
    fn is_closed(&self) -> bool {
        matches!(self, Self::NotLive(NotLive::Answer { status: CLOSED }))
    }
}

/// What comes next.
#[derive(Clone, Debug)]
enum Phase {
    /// Nothing, until something else is wanted.
    Idle,
    Push {
        at: Instant,
    },
    Look {
        at: Instant,
    },
}

impl Phase {
    fn due(&self) -> Option<Instant> {
        match self {
            Self::Idle => None,
            Self::Push { at } | Self::Look { at } => Some(*at),
        }
    }
}

impl Work {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let client = self.way.client.clone().ok();
        let mut discovery = client.map(|client| Discovery::new(client, Timing::cluster()));
        loop {
            let goes_on = tokio::select! {
                // What it was about to push, whoever comes next pushes.
                _ = &mut stopped => false,
                goes_on = self.step(&mut discovery) => goes_on,
            };
            if !goes_on {
                break;
            }
        }
        if let Some(discovery) = discovery {
            discovery.stop().await;
        }
    }

    /// Waits for what comes next and does it. False when nobody wants anything any more.
    async fn step(&mut self, discovery: &mut Option<Discovery>) -> bool {
        tokio::select! {
            changed = self.wanted.changed() => match changed {
                Ok(()) => self.phase = Phase::Push { at: Instant::now() },
                Err(_) => return false,
            },
            event = heard(discovery) => self.tell(News::Discovered(event)).await,
            () = at(self.phase.due()) => self.go_on(discovery).await,
        }
        true
    }

    async fn go_on(&mut self, discovery: &mut Option<Discovery>) {
        match self.phase {
            Phase::Idle => {}
            Phase::Push { .. } => {
                let wanted = Arc::clone(&self.wanted.borrow_and_update());
                self.push(&wanted).await;
            }
            Phase::Look { .. } => {
                // What was asked for meanwhile is still to be pushed.
                let wanted = Arc::clone(&self.wanted.borrow());
                match self.look_around(&wanted).await {
                    Ok(generation) if generation == wanted.generation => {
                        self.is_live(&wanted, discovery).await;
                    }
                    Ok(generation) => {
                        self.way.nudges.not_closed(wanted.pair.as_ref()).await;
                        self.lateness.see(&generation, Instant::now());
                        if wanted.is_given {
                            self.is_behind(generation, &wanted.generation).await;
                        }
                        let reason = "it does not serve yet what was pushed".to_owned();
                        if self.is_late(&reason) {
                            self.tell(News::NotLive { reason }).await;
                        }
                    }
                    Err(unseen) => {
                        self.nudge(&unseen, &wanted).await;
                        let reason = unseen.to_string();
                        if self.is_late(&reason) {
                            self.lateness.unsee();
                            self.tell(News::Unseen { reason }).await;
                        }
                    }
                }
            }
        }
    }

    async fn push(&mut self, wanted: &Wanted) {
        self.lateness.begin(Instant::now());
        self.phase = match self.way.apply.all(&wanted.actions).await {
            Ok(()) => Phase::Look { at: Instant::now() },
            Err(error) => {
                self.is_not_pushed(error.to_string()).await;
                Phase::Push {
                    at: Instant::now() + RETRY,
                }
            }
        };
        if matches!(self.phase, Phase::Push { .. }) {
            return;
        }
        self.failure = None;
        self.push_beside(wanted).await;
        if !wanted.actions.is_empty() {
            let (bytes, generation) = (wanted.bytes, &wanted.generation);
            tracing::info!("Gateway {}: pushed generation {generation}", self.gateway);
            self.tell(News::Pushed { bytes }).await;
        }
    }

    /// Nothing that is served waits for this.
    async fn push_beside(&mut self, wanted: &Wanted) {
        let failure = self.way.apply.all(&wanted.beside).await.err();
        let failure = failure.map(|error| error.to_string());
        if let Some(reason) = &failure
            && failure != self.failure_beside
        {
            tracing::warn!("Gateway {}: {reason}", self.gateway);
        }
        self.failure_beside = failure;
    }

    async fn is_not_pushed(&mut self, reason: String) {
        if self.failure.as_ref() != Some(&reason) {
            tracing::warn!("Gateway {}: {reason}", self.gateway);
            self.failure = Some(reason.clone());
        }
        let is_told = self.lateness.tells(&reason, Instant::now());
        let trouble = is_told.then_some(reason);
        self.tell(News::NotPushed { trouble }).await;
    }

    /// The generation that it serves. Whichever of its Pods is asked, the answer that is furthest from what it shall serve
    /// counts.
    async fn look_around(&self, wanted: &Wanted) -> Result<String, Unseen> {
        let seen = self.looks(LOOKS, wanted).await;
        if distance(&seen, wanted) > 0 || !self.lateness.has_begun() {
            return seen;
        }
        self.looks(MORE, wanted).await
    }

    async fn looks(&self, count: usize, wanted: &Wanted) -> Result<String, Unseen> {
        let others = join_all((1..count).map(|_| self.look(wanted)));
        let (first, others) = join(self.look(wanted), others).await;
        let looks = others.into_iter();
        looks.fold(first, |furthest, look| {
            if distance(&look, wanted) > distance(&furthest, wanted) {
                look
            } else {
                furthest
            }
        })
    }

    async fn look(&self, wanted: &Wanted) -> Result<String, Unseen> {
        let client = self.way.client.as_ref();
        let client = client.map_err(|reason| Unseen::NoWay(reason.clone()))?;
        let endpoint = wanted.endpoint.as_ref();
        let endpoint = endpoint.ok_or_else(|| Unseen::NoWay("it has no public host".to_owned()))?;
        Ok(client.generation(&endpoint.host, &endpoint.path).await?)
    }

    /// Has it pull its image again, where it answers as one that could not.
    async fn nudge(&mut self, unseen: &Unseen, wanted: &Wanted) {
        match &wanted.pair {
            Some(pair) if unseen.is_closed() => self.way.nudges.closed(pair).await,
            _ => {
                self.way.nudges.not_closed(wanted.pair.as_ref()).await;
            }
        }
    }

    async fn is_live(&mut self, wanted: &Wanted, discovery: &mut Option<Discovery>) {
        self.lateness.end();
        if self.failure_beside.is_some() {
            self.push_beside(wanted).await;
        }
        let is_in_doubt = self.way.nudges.not_closed(wanted.pair.as_ref()).await;
        let pause = if is_in_doubt { LATER } else { WATCH };
        self.phase = Phase::Look {
            at: Instant::now() + pause,
        };
        if let Some(discovery) = discovery {
            discovery.ask_at(wanted.endpoint.clone());
            discovery.follow(wanted.subjects.iter().cloned());
        }
        self.tell(News::Live(wanted.live.clone())).await;
    }

    async fn is_behind(&mut self, serves: String, given: &str) {
        if self.lateness.tells_behind(given, Instant::now()) {
            let given = given.to_owned();
            self.tell(News::Behind { serves, given }).await;
        }
    }

    /// Looks again later. Whether it is to be told that it does not serve what it shall, for this reason.
    fn is_late(&mut self, reason: &str) -> bool {
        let now = Instant::now();
        self.lateness.begin(now);
        let pause = if self.lateness.is_late(now) {
            LATER
        } else {
            LOOK
        };
        self.phase = Phase::Look { at: now + pause };
        let is_news = self.lateness.tells(reason, now);
        if is_news {
            tracing::warn!("Gateway {}: {reason}", self.gateway);
        }
        is_news
    }

    async fn tell(&self, news: News) {
        // Whoever does not listen any more has dropped this task, too.
        let _ = self.news.send((self.gateway.clone(), news)).await;
    }
}

/// How far an answer is from what a gateway shall serve: a closed Pod needs help, whatever the others are.
fn distance(look: &Result<String, Unseen>, wanted: &Wanted) -> u8 {
    match look {
        Ok(generation) if *generation == wanted.generation => 0,
        Err(unseen) if unseen.is_closed() => 3,
        Ok(_) => 2,
        Err(_) => 1,
    }
}

async fn heard(discovery: &mut Option<Discovery>) -> Event {
    match discovery {
        Some(discovery) => discovery.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
