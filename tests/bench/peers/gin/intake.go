// The handler of the Go peer: token, JSON, structural checks, hash, row, Redis, 201.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	jsoniter "github.com/json-iterator/go"
)

const bodyLimit = 1 << 20

// jsoniter took two thirds of the CPU of encoding/json here.
var decoder = jsoniter.Config{DisallowUnknownFields: true, CaseSensitive: true}.Froze()

type body struct {
	ID            string              `json:"id"`
	SubjectID     string              `json:"subjectId"`
	Questionnaire string              `json:"questionnaire"`
	Version       string              `json:"version"`
	SubmitAt      string              `json:"submitAt"`
	Answers       jsoniter.RawMessage `json:"answers"`
}

type problem struct {
	Pointer string `json:"pointer"`
	Rule    string `json:"rule"`
}

type intake struct {
	known *reference
	rows  *rows
	cache *cache
	key   []byte
}

var buffers = sync.Pool{New: func() interface{} { b := make([]byte, 0, 8192); return &b }}

func refuse(c *gin.Context, status int, problems ...problem) {
	c.Header("Content-Type", "application/problem+json")
	c.JSON(status, gin.H{"title": http.StatusText(status), "status": status, "errors": problems})
}

func (in *intake) study(c *gin.Context) *study {
	token := c.GetHeader("Authorization")
	if !strings.HasPrefix(token, "Bearer ") {
		return nil
	}
	return in.known.byToken[sha256.Sum256([]byte(token[len("Bearer "):]))]
}

// Appends the body to buffer; false when it is larger than the limit or breaks off.
func readBody(r *http.Request, buffer []byte) ([]byte, bool) {
	for {
		if len(buffer) > bodyLimit {
			return buffer, false
		}
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := r.Body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if err == io.EOF {
			return buffer, true
		}
		if err != nil {
			return buffer, false
		}
	}
}

func parseUUID(text string) (id [16]byte, ok bool) {
	text = strings.Trim(text, `"`)
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	var digits [32]byte
	copy(digits[0:], text[0:8])
	copy(digits[8:], text[9:13])
	copy(digits[12:], text[14:18])
	copy(digits[16:], text[19:23])
	copy(digits[20:], text[24:36])
	_, err := hex.Decode(id[:], digits[:])
	return id, err == nil
}

func (in *intake) submit(c *gin.Context) {
	received := time.Now()
	st := in.study(c)
	if st == nil {
		refuse(c, http.StatusUnauthorized)
		return
	}
	if !strings.HasPrefix(c.ContentType(), "application/json") {
		refuse(c, http.StatusUnsupportedMediaType)
		return
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	var ok bool
	if *buffer, ok = readBody(c.Request, (*buffer)[:0]); !ok {
		refuse(c, http.StatusRequestEntityTooLarge)
		return
	}
	var b body
	if err := decoder.Unmarshal(*buffer, &b); err != nil {
		refuse(c, http.StatusBadRequest, problem{"", "malformed"})
		return
	}
	key := c.GetHeader("Idempotency-Key")
	if key == "" {
		key = b.ID
	}
	id, ok := parseUUID(key)
	if !ok {
		refuse(c, http.StatusBadRequest, problem{"/id", "identity-required"})
		return
	}
	if b.SubjectID == "" || b.SubjectID != c.Param("subject") {
		refuse(c, http.StatusBadRequest, problem{"/subjectId", "subject-mismatch"})
		return
	}
	authored, err := time.Parse(time.RFC3339, b.SubmitAt)
	if err != nil {
		refuse(c, http.StatusBadRequest, problem{"/submitAt", "timestamp"})
		return
	}
	if !st.subjects[b.SubjectID] {
		refuse(c, http.StatusUnprocessableEntity, problem{"/subjectId", "unknown-subject"})
		return
	}
	f := st.forms[b.Questionnaire+"|"+b.Version]
	if f == nil {
		refuse(c, http.StatusUnprocessableEntity, problem{"/questionnaire", "unknown-questionnaire"})
		return
	}
	s := submission{study: st.name, subject: b.SubjectID, questionnaire: b.Questionnaire, version: b.Version,
		id: id, answers: b.Answers, authoredAt: authored, receivedAt: received}
	problems, ok := f.check(b.Answers, &b, in.key, &s.contentHash)
	if !ok {
		refuse(c, http.StatusBadRequest, problem{"/answers", "malformed"})
		return
	}
	if len(problems) > 0 {
		refuse(c, http.StatusUnprocessableEntity, problems...)
		return
	}
	in.finish(c, &s, strings.ToLower(strings.Trim(key, `"`)))
}

func (in *intake) finish(c *gin.Context, s *submission, id string) {
	// Not the request's context: a store that has begun is finished, and pgx watches a context that can
	// be cancelled from a goroutine of its own for every call. statement_timeout bounds it.
	result, err := in.rows.store(context.Background(), s)
	switch {
	case err != nil:
		c.Header("Retry-After", "1")
		refuse(c, http.StatusServiceUnavailable)
	case result == conflict:
		refuse(c, http.StatusConflict)
	default:
		if result == stored {
			in.cache.remember(s, id)
		}
		status := http.StatusCreated
		if result == duplicate {
			status = http.StatusOK
		}
		c.Header("Location", "/api/v1/submissions/"+id)
		c.Data(status, "application/json", []byte(`{"id":"`+id+`","status":"stored","receivedAt":"`+
			s.receivedAt.UTC().Format(time.RFC3339Nano)+`"}`))
	}
}
