// The structural checks of the Go peer: every answer known and of its item's type, required ones there;
// and the keyed content hash over the answers in the order of their names, literals as sent.
package main

import (
	"bytes"
	"strconv"
	"time"

	"github.com/jackc/pgx/v4"
	jsoniter "github.com/json-iterator/go"
	"golang.org/x/crypto/blake2b"
)

type pgxRow = pgx.QueryFuncRow

var null = []byte("null")

func isInteger(raw []byte) bool {
	_, err := strconv.ParseInt(string(raw), 10, 32)
	return err == nil
}

func isNumber(raw []byte) bool {
	_, err := strconv.ParseFloat(string(raw), 64)
	return err == nil
}

func (i *item) accepts(raw []byte) bool {
	switch i.kind {
	case "boolean":
		return raw[0] == 't' || raw[0] == 'f'
	case "integer":
		return isInteger(raw)
	case "decimal":
		return (raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9')) && isNumber(raw)
	}
	if raw[0] != '"' || len(raw) < 3 {
		return false
	}
	text := string(raw[1 : len(raw)-1])
	switch i.kind {
	case "choice":
		return i.options[text]
	case "date":
		_, err := time.Parse("2006-01-02", text)
		return err == nil
	case "dateTime":
		_, err := time.Parse(time.RFC3339, text)
		return err == nil
	case "time":
		_, err := time.Parse("15:04:05", text)
		return err == nil
	}
	return true
}

// Returns all broken rules; ok is false when answers is no object.
func (f *form) check(answers []byte, b *body, key []byte, ret_hash *[32]byte) (problems []problem, ok bool) {
	values := make([][]byte, len(f.items))
	iter := decoder.BorrowIterator(answers)
	defer decoder.ReturnIterator(iter)
	if iter.WhatIsNext() != jsoniter.ObjectValue {
		return nil, false
	}
	iter.ReadMapCB(func(it *jsoniter.Iterator, name string) bool {
		raw := bytes.TrimSpace(it.SkipAndReturnBytes())
		n, known := f.index[name]
		if !known {
			problems = append(problems, problem{"/answers", "unknown-item"})
			return true
		}
		values[n] = raw
		return true
	})
	if iter.Error != nil {
		return nil, false
	}
	hash, err := blake2b.New256(key)
	if err != nil {
		return nil, false
	}
	line := make([]byte, 0, 2048)
	line = append(line, b.SubjectID...)
	line = append(append(append(line, 0), b.Questionnaire...), 0)
	line = append(append(append(line, b.Version...), 0), b.SubmitAt...)
	for n := range f.items {
		i, raw := &f.items[n], values[n]
		if len(raw) == 0 || bytes.Equal(raw, null) {
			if i.required {
				problems = append(problems, problem{"/answers/" + i.linkID, "required"})
			}
			continue
		}
		if !i.accepts(raw) {
			problems = append(problems, problem{"/answers/" + i.linkID, "type"})
			continue
		}
		line = append(append(append(append(line, 0), i.linkID...), 0), raw...)
	}
	_, _ = hash.Write(line)
	hash.Sum(ret_hash[:0])
	return problems, true
}
