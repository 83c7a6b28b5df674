use exposure_proto::v1;

use super::skim::Outcomes;
use crate::client::Connection;
use crate::command::senders;
use crate::failure::Result;

/// What the server has counted of a sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Events that were metered.
    metered: i64,
    received: i64,
    accepted: i64,
    duplicate: i64,
    rejected: i64,
}

impl Counts {
    pub(super) async fn of(connection: &Connection, library: &str) -> Result<Self> {
        let senders = senders::all(connection).await?;
        let sender = senders.into_iter().find(|sender| sender.library == library);
        let sender = sender.unwrap_or_default();
        Ok(Self {
            metered: metered(connection, library).await?,
            received: sender.received_count,
            accepted: sender.accepted_count,
            duplicate: sender.duplicate_count,
            rejected: sender.rejected_count,
        })
    }

    /// Whether what was added since `before` is what was sent and answered. Of `unknown` further
    /// events it is not known whether they were stored.
    pub(super) fn grew_by(self, before: Self, sent: Outcomes, unknown: u64) -> bool {
        let stored = u64::try_from(self.accepted - before.accepted).unwrap_or(0);
        let more = stored.saturating_sub(sent.accepted);
        let sent = Outcomes { accepted: sent.accepted + more.min(unknown), ..sent };
        let [accepted, duplicate, rejected] = [sent.accepted, sent.duplicate, sent.rejected]
            .map(|n_events| i64::try_from(n_events).unwrap_or(i64::MAX));
        let expected = Self {
            metered: before.metered + accepted,
            received: before.received + accepted + duplicate + rejected,
            accepted: before.accepted + accepted,
            duplicate: before.duplicate + duplicate,
            rejected: before.rejected + rejected,
        };
        // All ids were fresh: a duplicate is an event that was lost.
        self == expected && duplicate == 0
    }
}

async fn metered(connection: &Connection, library: &str) -> Result<i64> {
    let (mut client, mut sum) = (connection.usage(), 0);
    let mut request = v1::GetUsageRequest {
        start_day: "2000-01-01".to_owned(),
        end_day: "2999-12-31".to_owned(),
        ..v1::GetUsageRequest::default()
    };
    loop {
        let page = client.get_usage(request.clone()).await?.into_inner();
        let rows = page.rows.iter().filter(|row| row.library == library);
        sum += rows.map(|row| row.event_count).sum::<i64>();
        if page.next_page_token.is_empty() {
            return Ok(sum);
        }
        request.page_token = page.next_page_token;
    }
}
