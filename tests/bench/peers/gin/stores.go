// PostgreSQL and Redis of the Go peer: one prepared INSERT in autocommit (a single round trip with its
// commit), one HSET pipeline. Redis never fails a submission.
package main

import (
	"bytes"
	"context"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const insertSubmission = `INSERT INTO sluice.submissions
 (study, submission_id, subject_id, questionnaire, version, answers, authored_at, received_at, content_hash)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`

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
	pool *pgxpool.Pool
}

func openRows(ctx context.Context, dsn string, connections int) (*rows, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(connections)
	config.MinConns = int32(connections)
	config.ConnConfig.RuntimeParams["statement_timeout"] = "3000"
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Prepare(ctx, "insert_submission", insertSubmission); err != nil {
			return err
		}
		_, err := conn.Prepare(ctx, "select_hash", selectHash)
		return err
	}
	pool, err := pgxpool.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &rows{pool: pool}, nil
}

func (r *rows) Close() {
	r.pool.Close()
}

// Returns after the commit; a missing row is told apart by its hash in a statement of its own.
func (r *rows) store(ctx context.Context, s *submission) (outcome, error) {
	tag, err := r.pool.Exec(ctx, "insert_submission", s.study, s.id, s.subject, s.questionnaire,
		s.version, s.answers, s.authoredAt, s.receivedAt, s.contentHash[:])
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
