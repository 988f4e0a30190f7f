-- compatible-from: 2
-- What the service "notifications" keeps: which of its messages are done, what is to be delivered to
-- whom, when an alert nobody acknowledged goes to the next contact, and who wants no more.
--
-- The history of an alert stands in alert_events; these tables are the work still to be done, and
-- their finished rows only say that it must not be done again. Times are PostgreSQL's own, so that
-- workers on several hosts agree.

SET LOCAL ROLE sluice_owner;

CREATE TABLE sluice.alert_messages (
    broker uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('stored', 'rejected')),
    study text NOT NULL,
    alert_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('alert', 'acknowledge', 'close')),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (seq, epoch, broker)
);
COMMENT ON TABLE sluice.alert_messages IS
    'One row a message that this service finished, by origin: a second delivery of it changes nothing, and the books balance';

CREATE TABLE sluice.alert_deliveries (
    delivery_id uuid PRIMARY KEY,
    alert_id uuid NOT NULL,
    study text NOT NULL,
    recipient text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('webhook', 'email', 'none')),
    step int NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempt int NOT NULL DEFAULT 0,
    claimed boolean NOT NULL DEFAULT false,
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX alert_deliveries_by_target
    ON sluice.alert_deliveries (recipient, study, channel, due_at) WHERE state = 'pending';
CREATE INDEX alert_deliveries_due ON sluice.alert_deliveries (due_at) WHERE state = 'pending';
COMMENT ON COLUMN sluice.alert_deliveries.delivery_id IS
    'UUIDv8 of alert, recipient, channel and step: the webhook-id, the same at every attempt';
COMMENT ON COLUMN sluice.alert_deliveries.channel IS 'none: a measurement that needs no recipient';
COMMENT ON COLUMN sluice.alert_deliveries.step IS '0: when raised; n: the nth escalation';
COMMENT ON COLUMN sluice.alert_deliveries.due_at IS
    'Next attempt; while claimed: when the claim ends, because its worker must be gone';

CREATE TABLE sluice.alert_escalations (
    alert_id uuid PRIMARY KEY,
    study text NOT NULL,
    severity text NOT NULL,
    step int NOT NULL DEFAULT 0,
    due_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX alert_escalations_due ON sluice.alert_escalations (due_at) WHERE due_at IS NOT NULL;
COMMENT ON COLUMN sluice.alert_escalations.due_at IS
    'When the alert goes to the next contact; null: somebody acknowledged it, or no contact is left';

CREATE TABLE sluice.alert_recipients_gone (
    study text NOT NULL,
    recipient text NOT NULL,
    channel text NOT NULL,
    gone_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (study, recipient, channel)
);
COMMENT ON TABLE sluice.alert_recipients_gone IS
    'Answered 410: gets nothing more until the study file is loaded with a change, after gone_at';

CREATE OR REPLACE VIEW sluice.origins AS
    SELECT broker, epoch, seq, 'stored'::text AS kind, study, submission_id FROM sluice.submissions
    UNION ALL
    SELECT broker, epoch, seq, 'stored', study, submission_id FROM sluice.submission_revisions
    UNION ALL
    SELECT broker, epoch, seq, kind, study, submission_id FROM sluice.rejections
    UNION ALL
    SELECT broker, epoch, seq, outcome, study, alert_id FROM sluice.alert_messages;

CREATE VIEW sluice.alert_latency AS
    SELECT a.alert_id, a.kind, a.study, a.severity, e.recipient, a.raised_at, e.at AS delivered_at,
           extract(epoch FROM e.at - a.raised_at)::double precision AS latency_s, e.attempt
      FROM sluice.alerts a
      JOIN sluice.alert_events e ON e.alert_id = a.alert_id AND e.event = 'delivered';
COMMENT ON VIEW sluice.alert_latency IS
    'How long each alert took to each recipient; kind canary: the synthetic one of every minute';

GRANT SELECT, INSERT ON sluice.alert_messages TO sluice_notify;
GRANT SELECT, INSERT, UPDATE ON sluice.alert_deliveries, sluice.alert_escalations,
    sluice.alert_recipients_gone TO sluice_notify;
GRANT SELECT ON sluice.alert_messages, sluice.alert_deliveries, sluice.alert_escalations,
    sluice.alert_recipients_gone, sluice.alert_latency, sluice.origins TO sluice_admin;
GRANT SELECT ON sluice.alert_deliveries, sluice.alert_latency TO sluice_query;
