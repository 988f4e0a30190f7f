// PostgreSQL and Redis of the Go peer: one prepared statement in autocommit for the row and its audit row (a
// single round trip with its commit), one HSET pipeline. Redis never fails a submission.
package main

import (
	"bytes"
	"context"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const insertSubmission = `INSERT INTO sluice.submissions
 (study, submission_id, subject_id, questionnaire, version, answers, authored_at, received_at, content_hash)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`

const insertAudited = `WITH s AS (` + insertSubmission + ` RETURNING 1)
 INSERT INTO sluice.audit_events
 (writer, number, mac, at, actor, action, study, subject_id, submission_id, revision, detail)
 SELECT $10, $11, $12, $8, $13, $14, $1, $3, $2, $15, $16 FROM s`

const selectHash = `SELECT content_hash FROM sluice.submissions WHERE study = $1 AND submission_id = $2`

type outcome int

const (
	stored outcome = iota
	duplicate
	conflict
)

type submission struct {
	study, subject, questionnaire, version string
	id                                     [16]byte
	answers                                []byte
	authoredAt, receivedAt                 time.Time
	contentHash                            [32]byte
}

type rows struct {
	pool  *pgxpool.Pool
	audit *auditor // nil: no audit rows
}

func openRows(ctx context.Context, dsn string, connections int, audit *auditor) (*rows, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(connections)
	config.MinConns = int32(connections)
	config.ConnConfig.RuntimeParams["statement_timeout"] = "3000"
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		insert := insertSubmission
		if audit != nil {
			insert = insertAudited
		}
		if _, err := conn.Prepare(ctx, "insert_submission", insert); err != nil {
			return err
		}
		_, err := conn.Prepare(ctx, "select_hash", selectHash)
		return err
	}
	pool, err := pgxpool.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &rows{pool: pool, audit: audit}, nil
}

func (r *rows) Close() {
	r.pool.Close()
}

// The command's count is that of the statement's last INSERT: 1 if the submission was new, either way.
func (r *rows) insert(ctx context.Context, s *submission) (pgconn.CommandTag, error) {
	if r.audit == nil {
		return r.pool.Exec(ctx, "insert_submission", s.study, s.id, s.subject, s.questionnaire,
			s.version, s.answers, s.authoredAt, s.receivedAt, s.contentHash[:])
	}
	a := r.audit.sign(s)
	return r.pool.Exec(ctx, "insert_submission", s.study, s.id, s.subject, s.questionnaire,
		s.version, s.answers, s.authoredAt, s.receivedAt, s.contentHash[:],
		r.audit.writer, a.number, a.mac[:], auditActor, auditAction, revision, a.detail)
}

// Returns after the commit; a missing row is told apart by its hash in a statement of its own.
func (r *rows) store(ctx context.Context, s *submission) (outcome, error) {
	tag, err := r.insert(ctx, s)
	if err != nil {
		return conflict, err
	}
	if tag.RowsAffected() == 1 {
		return stored, nil
	}
	var hash []byte
	if err := r.pool.QueryRow(ctx, "select_hash", s.study, s.id).Scan(&hash); err != nil {
		return conflict, err
	}
	if bytes.Equal(hash, s.contentHash[:]) {
		return duplicate, nil
	}
	return conflict, nil
}

type cache struct {
	pool *redis.Pool
}

func openCache(socket string, connections int) *cache {
	return &cache{pool: &redis.Pool{
		MaxIdle:   connections,
		MaxActive: connections,
		Wait:      true,
		Dial: func() (redis.Conn, error) {
			return redis.Dial("unix", socket, redis.DialReadTimeout(100*time.Millisecond),
				redis.DialWriteTimeout(100*time.Millisecond))
		},
	}}
}

func (c *cache) remember(s *submission, id string) {
	conn := c.pool.Get()
	defer conn.Close()
	err := conn.Send("HSET", "sluice:subject:"+s.study+":"+s.subject, "last_submission", id,
		"last_questionnaire", s.questionnaire, "last_authored_at", s.authoredAt.Format(time.RFC3339))
	if err == nil && conn.Flush() == nil {
		_, _ = conn.Receive()
	}
}
