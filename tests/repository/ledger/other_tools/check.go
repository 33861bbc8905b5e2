// Checks a ledger's checkpoints and proofs with the packages of Go's checksum database, which know
// nothing of the product: a note, its signature, an entry in the tree, and the tree's growth.
//
// Standard input holds one JSON object: key, old and note (checkpoints), leaf, index,
// inclusion and consistency (lists of hashes in hexadecimal).
package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	Key         string   `json:"key"`
	Old         string   `json:"old"`
	Note        string   `json:"note"`
	Leaf        string   `json:"leaf"`
	Index       int64    `json:"index"`
	Inclusion   []string `json:"inclusion"`
	Consistency []string `json:"consistency"`
}

func main() {
	var given input
	must(json.NewDecoder(os.Stdin).Decode(&given))
	verifier, err := note.NewVerifier(given.Key)
	must(err)
	known := note.VerifierList(verifier)
	oldSize, oldRoot := open(given.Old, known)
	size, root := open(given.Note, known)
	leaf, err := hex.DecodeString(given.Leaf)
	must(err)
	record := tlog.RecordHash(leaf)
	must(tlog.CheckRecord(hashes(given.Inclusion), size, root, given.Index, record))
	must(tlog.CheckTree(hashes(given.Consistency), size, root, oldSize, oldRoot))
	fmt.Printf("entry %d of %d, grown from %d\n", given.Index, size, oldSize)
}

func open(signed string, known note.Verifiers) (int64, tlog.Hash) {
	opened, err := note.Open([]byte(signed), known)
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	return size, toHash(raw)
}

func hashes(texts []string) []tlog.Hash {
	var found []tlog.Hash
	for _, text := range texts {
		raw, err := hex.DecodeString(text)
		must(err)
		found = append(found, toHash(raw))
	}
	return found
}

func toHash(raw []byte) tlog.Hash {
	var hash tlog.Hash
	if len(raw) != len(hash) {
		must(fmt.Errorf("a hash of %d bytes", len(raw)))
	}
	copy(hash[:], raw)
	return hash
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
