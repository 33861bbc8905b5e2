"""Triggers that let everybody but the tables' owner only append to the ledger, and rightly.

They compute what `repository.ledger` computes: leaf and node hashes of RFC 9162, the frontier of
the tree, full tiles of 256. Relations are named with their schema: who may make temporary tables
must not put one in their place.
"""

from __future__ import annotations

_OWNER = """
  IF pg_catalog.pg_has_role(current_user, (SELECT relowner FROM pg_catalog.pg_class
                                           WHERE oid = TG_RELID), 'USAGE') THEN
    RETURN NEW;
  END IF;"""


def _function(name: str, declared: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {{schema}}.{name}() RETURNS trigger LANGUAGE plpgsql "
        f"SET search_path = pg_catalog, pg_temp AS $$\nDECLARE{declared}\nBEGIN{_OWNER}{body}\n"
        "  RETURN NEW;\nEND $$"
    )


_ENTRY = _function(
    "ledger_guard_entry",
    " stands bigint;",
    """
  SELECT size INTO stands FROM {schema}.ledger_state;
  IF NEW.entry_index IS DISTINCT FROM stands OR NEW.leaf IS DISTINCT FROM sha256(NEW.body) THEN
    RAISE EXCEPTION 'ledger: an entry that does not follow'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;""",
)

_COUNTED = _function(
    "ledger_guard_counted",
    " stands bigint;",
    """
  SELECT size INTO stands FROM {schema}.ledger_state;
  IF NEW.entry_index >= stands OR stands IS NULL THEN
    RAISE EXCEPTION 'ledger: an entry that its state does not count'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;""",
)

_STATE = _function(
    "ledger_guard_state",
    """
  entry record;
  kept bytea := OLD.frontier;
  carry bytea;
  root bytea;
  rest bigint := OLD.size;""",
    """
  SELECT e.leaf, e.root INTO entry FROM {schema}.ledger_entries e
    WHERE e.entry_index = OLD.size;
  carry := sha256('\\x00'::bytea || entry.leaf);
  WHILE mod(rest, 2) = 1 LOOP
    carry := sha256('\\x01'::bytea || substring(kept FROM length(kept) - 31) || carry);
    kept := substring(kept FROM 1 FOR length(kept) - 32);
    rest := rest / 2;
  END LOOP;
  IF NEW.id <> OLD.id OR NEW.size <> OLD.size + 1
     OR NEW.frontier IS DISTINCT FROM kept || carry THEN
    RAISE EXCEPTION 'ledger: a state that does not follow from its entry'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  root := carry;
  WHILE length(kept) > 0 LOOP
    root := sha256('\\x01'::bytea || substring(kept FROM length(kept) - 31) || root);
    kept := substring(kept FROM 1 FOR length(kept) - 32);
  END LOOP;
  IF entry.root IS DISTINCT FROM root THEN
    RAISE EXCEPTION 'ledger: an entry with another root'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;""",
)

_TILE = _function(
    "ledger_guard_tile",
    """
  right_hashes bytea;
  below bytea;
  node bytea;
  parts bytea[];
  held integer;""",
    """
  IF NEW.level = 0 THEN
    SELECT string_agg(sha256('\\x00'::bytea || e.leaf), ''::bytea ORDER BY e.entry_index)
      INTO right_hashes FROM {schema}.ledger_entries e
      WHERE e.entry_index >= NEW.tile_index * 256 AND e.entry_index < (NEW.tile_index + 1) * 256;
    IF length(NEW.hashes) <> 8192 THEN
      right_hashes := NULL;
    END IF;
  ELSE
    SELECT t.hashes INTO right_hashes FROM {schema}.ledger_tiles t
      WHERE t.level = NEW.level AND t.tile_index = NEW.tile_index;
    right_hashes := coalesce(right_hashes, ''::bytea);
    SELECT t.hashes INTO below FROM {schema}.ledger_tiles t
      WHERE t.level = NEW.level - 1
        AND t.tile_index = NEW.tile_index * 256 + length(right_hashes) / 32;
    IF length(below) <> 8192 THEN
      below := NULL;
    END IF;
    FOR i IN 0..255 LOOP
      parts[i] := substring(below FROM i * 32 + 1 FOR 32);
    END LOOP;
    held := 256;
    WHILE held > 1 LOOP
      held := held / 2;
      FOR i IN 0..held - 1 LOOP
        parts[i] := sha256('\\x01'::bytea || parts[2 * i] || parts[2 * i + 1]);
      END LOOP;
    END LOOP;
    right_hashes := right_hashes || parts[0];
  END IF;
  IF NEW.hashes IS DISTINCT FROM right_hashes
     OR (TG_OP = 'UPDATE' AND (NEW.level, NEW.tile_index) <> (OLD.level, OLD.tile_index)) THEN
    RAISE EXCEPTION 'ledger: a tile that does not follow from the entries'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;""",
)


def _trigger(name: str, kind: str, when: str, table: str, rest: str = "") -> tuple[str, str]:
    return (
        f"DROP TRIGGER IF EXISTS {name} ON {{schema}}.{table}",
        f"CREATE {kind} {name} {when} ON {{schema}}.{table} {rest}FOR EACH ROW "
        f"EXECUTE FUNCTION {{schema}}.{name}()",
    )


GUARDS: tuple[str, ...] = (
    _ENTRY,
    _COUNTED,
    _STATE,
    _TILE,
    *_trigger("ledger_guard_entry", "TRIGGER", "BEFORE INSERT", "ledger_entries"),
    *_trigger(
        "ledger_guard_counted",
        "CONSTRAINT TRIGGER",
        "AFTER INSERT",
        "ledger_entries",
        "DEFERRABLE INITIALLY DEFERRED ",
    ),
    *_trigger("ledger_guard_state", "TRIGGER", "BEFORE UPDATE", "ledger_state"),
    *_trigger("ledger_guard_tile", "TRIGGER", "BEFORE INSERT OR UPDATE", "ledger_tiles"),
)
"""Statements in which ``{schema}`` stands for the schema of the tables."""
