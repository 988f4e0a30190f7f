-- compatible-from: 6
-- The record's seams: acts on alerts stand in the audit trail, too; what the service "notifications"
-- has finished leaves after a while; an erasure can't be overtaken by a batch that began before it.
--
-- Older programs write acts without their audit row and know nothing of erasures under way, so they
-- refuse to start here.

SET LOCAL ROLE sluice_owner;

COMMENT ON COLUMN sluice.audit_events.detail IS
    'As it was signed; never answers. Of a submission: status, content hash, data MAC; of an act on an alert: its alert_id';

-- What is finished leaves ------------------------------------------------------------------------

-- The books (reconcile) hold every origin against the broker's ledger for ever, so of a message that
-- has left one bit stays.
CREATE TABLE sluice.alert_messages_done (
    broker uuid NOT NULL,
    epoch bigint NOT NULL,
    part bigint NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('stored', 'rejected')),
    seqs bit(4096) NOT NULL,
    PRIMARY KEY (broker, epoch, part, outcome)
);
COMMENT ON TABLE sluice.alert_messages_done IS
    'What has left alert_messages: bit n of seqs is the message with seq part * 4096 + n';

CREATE INDEX alert_messages_by_age ON sluice.alert_messages (recorded_at);
CREATE INDEX alert_deliveries_finished ON sluice.alert_deliveries (due_at) WHERE state <> 'pending';
COMMENT ON TABLE sluice.alert_messages IS
    'One row a message that this service finished, by origin: a second delivery of it changes nothing. Leaves after worker/notify_keep';
COMMENT ON TABLE sluice.alert_deliveries IS
    'What is to be delivered to whom; what is finished leaves after worker/notify_keep, its history stays in alert_events';

CREATE OR REPLACE VIEW sluice.origins AS
    SELECT broker, epoch, seq, 'stored'::text AS kind, study, submission_id FROM sluice.submissions
    UNION ALL
    SELECT broker, epoch, seq, 'stored', study, submission_id FROM sluice.submission_revisions
    UNION ALL
    SELECT broker, epoch, seq, kind, study, submission_id FROM sluice.rejections
    UNION ALL
    SELECT broker, epoch, seq, outcome, study, alert_id FROM sluice.alert_messages
    UNION ALL
    SELECT d.broker, d.epoch, d.part * 4096 + n, d.outcome, '', '00000000-0000-0000-0000-000000000000'::uuid
      FROM sluice.alert_messages_done d, generate_series(0, 4095) n WHERE get_bit(d.seqs, n) = 1;
COMMENT ON VIEW sluice.origins IS
    'What reconcile compares with the journals, by broker; a message that has left has no study and no id any more';

-- Erasures ---------------------------------------------------------------------------------------

CREATE SEQUENCE sluice.erasures MINVALUE 0 START 0;
SELECT nextval('sluice.erasures');
COMMENT ON SEQUENCE sluice.erasures IS
    'Moved on by every erasure: a worker says up to which one it knows (setting sluice.erasures), and writes nothing if there is a newer one';

-- Once a statement, never a row, and all simple expressions: 5 us. The lock is shared by all who
-- write and exclusive to an erasure, which so waits for what is being written (and then erases it)
-- and lets nothing begin meanwhile; a sequence is read as it stands, whatever the statement's snapshot.
-- serialization_failure: the batch is judged again. Sessions that say nothing are not workers.
CREATE FUNCTION sluice.erasures_heed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    known text := coalesce(current_setting('sluice.erasures', true), '');
    locked boolean;
BEGIN
    IF known <> '' THEN
        locked := pg_advisory_xact_lock_shared(7315003) IS NOT NULL;
        IF known::bigint <> pg_sequence_last_value('sluice.erasures') THEN
            RAISE EXCEPTION 'a subject was erased since this batch was judged'
                USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER submissions_heed BEFORE INSERT OR UPDATE ON sluice.submissions
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.erasures_heed();
CREATE TRIGGER rejections_heed BEFORE INSERT ON sluice.rejections
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.erasures_heed();
CREATE TRIGGER attachments_heed BEFORE INSERT ON sluice.attachments
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.erasures_heed();
CREATE TRIGGER alerts_heed BEFORE INSERT ON sluice.alerts
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.erasures_heed();
CREATE TRIGGER identifiers_heed BEFORE INSERT ON identity.identifiers
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.erasures_heed();

-- Who may what -----------------------------------------------------------------------------------

GRANT DELETE ON sluice.alert_messages, sluice.alert_deliveries TO sluice_notify;
GRANT SELECT, INSERT, UPDATE ON sluice.alert_messages_done TO sluice_notify;
GRANT SELECT ON sluice.alert_messages_done TO sluice_admin;
GRANT USAGE, SELECT ON SEQUENCE sluice.erasures TO sluice_admin;
GRANT SELECT ON SEQUENCE sluice.erasures TO sluice_worker;
