"""Taking in what units send: verify, write in one transaction, and only then give a receipt.

A message goes through `link` (the broker), `consumer` (the process: what is gathered, what waits,
when it is acknowledged), `arrived`, `opening` and `read_facts` (no database yet), `take` (the
transaction) and `work` (the decisions in it, with `verify`, `chain` and `ownclock`, which decide
and touch nothing).

What is defined for a unit that is out of step or lies about the time:

===================================  ================================  ==========================
what came                            answer                            finding
===================================  ================================  ==========================
a batch that overtook the one        held for `consumer.HELD_S`, then  ``sequence_gap`` after
before it                            refused ``out_of_chain``;         `chain.GAP_AFTER`; settled
                                     nothing set aside before that     when what lies between came
another batch in the place of a      refused ``out_of_chain``, set     ``forked_chain``
committed one, or on another one     aside
not signed by the unit's key, or     refused ``bad_signature`` or      ``bad_signature``
changed since                        ``bad_root``, set aside
captured up to `verdicts.MAX_AHEAD`  kept                              ``future_reads`` from
ahead                                                                  `work.SLIGHTLY_AHEAD`
captured further ahead               record refused ``in_future``,     ``future_reads``
                                     set aside
older than its class is kept, or     record refused ``too_old``; its   ``expired_reads``
than the watermark of its class      bytes are not kept
a status off by more than            kept                              ``unit_clock``; settled when
`status.CLOCK_OFF`                                                     the clock agrees
any of these times while             whole message refused, nothing    ``repository_clock``
`ownclock` doubts our own            set aside: the unit has it
more refused than is set aside       message: refused, not kept;       ``quarantine_full``
in a day                             batch: refused whole
===================================  ================================  ==========================
"""
