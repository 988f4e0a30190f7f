// The audit row of the Go peer: who stored what and when, with an HMAC over its fields. No chain from row to
// row: writers would have to take turns for it.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	auditActor  = "-"
	auditAction = "submission.stored"
	revision    = 1
)

type auditRow struct {
	number int64
	mac    [sha256.Size]byte
	detail string
}

type auditor struct {
	writer  [16]byte
	last    int64
	signers sync.Pool
}

// An HMAC whose key is hashed in once; Reset() returns to there.
type signer struct {
	mac    hash.Hash
	fields []byte
}

func newAuditor(key []byte) (*auditor, error) {
	a := &auditor{}
	_, err := rand.Read(a.writer[:])
	a.signers.New = func() interface{} { return &signer{hmac.New(sha256.New, key), make([]byte, 0, 512)} }
	return a, err
}

// Each field with its length in front, so that no two rows read the same.
func (s *signer) text(field string) {
	s.fields = binary.LittleEndian.AppendUint64(s.fields, uint64(len(field)))
	s.fields = append(s.fields, field...)
}

func (s *signer) number(n int64) {
	s.fields = binary.LittleEndian.AppendUint64(s.fields, uint64(n))
}

func (a *auditor) sign(r *submission) (row auditRow) {
	row.number = atomic.AddInt64(&a.last, 1)
	row.detail = "completed " + hex.EncodeToString(r.contentHash[:])
	s := a.signers.Get().(*signer)
	defer a.signers.Put(s)
	s.mac.Reset()
	s.fields = append(s.fields[:0], a.writer[:]...)
	s.number(row.number)
	s.number(r.receivedAt.Truncate(time.Microsecond).UnixMicro()) // what the column keeps
	s.text(auditActor)
	s.text(auditAction)
	s.text(r.study)
	s.text(r.subject)
	s.fields = append(s.fields, r.id[:]...)
	s.number(revision)
	s.text(row.detail)
	_, _ = s.mac.Write(s.fields)
	s.mac.Sum(row.mac[:0])
	return row
}
