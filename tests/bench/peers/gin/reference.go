// What the Go peer knows in memory: studies by token, subjects, questionnaires compiled for checking.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"

	"github.com/jackc/pgx/v4/pgxpool"
)

type item struct {
	linkID   string
	kind     string
	required bool
	options  map[string]bool
}

// Items are sorted by linkId: the order of the content hash.
type form struct {
	items []item
	index map[string]int
}

type study struct {
	name     string
	subjects map[string]bool
	forms    map[string]*form // "name|version"
}

type reference struct {
	byToken map[[32]byte]*study
}

type definition struct {
	Item []struct {
		LinkID       string `json:"linkId"`
		Type         string `json:"type"`
		Required     bool   `json:"required"`
		AnswerOption []struct {
			ValueCoding struct {
				Code string `json:"code"`
			} `json:"valueCoding"`
		} `json:"answerOption"`
	} `json:"item"`
}

func compile(text []byte) (*form, error) {
	var d definition
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	f := &form{index: map[string]int{}}
	for _, i := range d.Item {
		options := map[string]bool{}
		for _, o := range i.AnswerOption {
			options[o.ValueCoding.Code] = true
		}
		f.items = append(f.items, item{i.LinkID, i.Type, i.Required, options})
	}
	sort.Slice(f.items, func(a, b int) bool { return f.items[a].linkID < f.items[b].linkID })
	for n, i := range f.items {
		f.index[i.linkID] = n
	}
	return f, nil
}

func loadReference(ctx context.Context, pool *pgxpool.Pool) (*reference, error) {
	known := &reference{byToken: map[[32]byte]*study{}}
	studies := map[string]*study{}
	var name, other, version string
	var bytes []byte
	_, err := pool.QueryFunc(ctx, "SELECT study, token_hash FROM sluice.studies", nil,
		[]interface{}{&name, &bytes}, func(pgxRow) error {
			s := &study{name: name, subjects: map[string]bool{}, forms: map[string]*form{}}
			var hash [32]byte
			copy(hash[:], bytes)
			studies[name], known.byToken[hash] = s, s
			return nil
		})
	if err != nil {
		return nil, err
	}
	_, err = pool.QueryFunc(ctx, "SELECT study, subject_id FROM sluice.subjects", nil,
		[]interface{}{&name, &other}, func(pgxRow) error {
			studies[name].subjects[other] = true
			return nil
		})
	if err != nil {
		return nil, err
	}
	_, err = pool.QueryFunc(ctx, "SELECT study, name, version, definition FROM sluice.questionnaires", nil,
		[]interface{}{&name, &other, &version, &bytes}, func(pgxRow) error {
			f, err := compile(bytes)
			if err != nil {
				return fmt.Errorf("questionnaire %s: %w", other, err)
			}
			studies[name].forms[other+"|"+version] = f
			return nil
		})
	return known, err
}
