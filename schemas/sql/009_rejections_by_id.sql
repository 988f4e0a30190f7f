-- compatible-from: 2
-- A statement that stores looks for rejections of its ids, all at once. Only with the id as the first
-- column is that a condition of the index whatever the planner believes of the table: with the study
-- first, a plan made while the table was empty read all rejections of the study, each time, until the
-- table was analysed.

SET LOCAL ROLE sluice_owner;

DROP INDEX sluice.rejections_by_submission;
CREATE INDEX rejections_by_submission ON sluice.rejections (submission_id, study);
