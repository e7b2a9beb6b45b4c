"""Schedules with a name: each was found by a search, or was thought of, and made to fail with the rule that it tells of."""

from tests.protocol.calm import NO_STARTS, NO_TRANSFERS
from tests.protocol.schedules import Begin, Schedule

STORIES: dict[str, Schedule] = {
    "a joiner that crashed in a DDL holds the only durable copy of a commit; the Primary dies as it makes ready": Schedule(
        2, Begin.WHOLE, (
            ("kill", 1, 0, 1), ("start", 1), ("round", 1, 0, 0), ("round", 1, 0, 0), ("work", 1, 0),
            ("round", 1, 0, 0), ("kill", 0, 3, 0), ("work", 1, 0),
        )),
    "a joiner that crashed in a DDL holds the only durable copy of a commit; the Primary dies before it connects": Schedule(
        2, Begin.WHOLE, (
            ("die", 1, 0, 1), ("round", 1, 0, 0), ("round", 1, 0, 0), ("tick", 1), ("work", 1, 0), ("round", 1, 0, 0),
            ("work", 1, 0), ("die", 0, 3, 0),
        )),
    "the link between two views loses its volume, and the one who went on with it is not heard": Schedule(
        3, Begin.WHOLE, (
            ("kill", 1, 0, 0), ("settle", 0b010, 3, 0), ("term", 0), ("settle", 0b010, 9, NO_STARTS),
            ("settle", 0b001, 9, 0), ("commit", 1, 1), ("kill", 2, 0, 0), ("lose", 2), ("kill", 1, 0, 0),
            ("settle", 0b010, 9, 0),
        )),
    "all crash while the lowest ordinal receives a full copy": Schedule(
        3, Begin.WHOLE, (
            ("kill", 0, 0, 0), ("settle", 0b001, 3, 0), ("commit", 1, 1), ("settle", 0, 6, NO_TRANSFERS),
            ("kill all", 0, 0),
        )),
    "a candidate gives way to one that is ahead, which needs its grant": Schedule(
        2, Begin.EMPTY, (
            ("start", 0), ("start", 1), ("round", 1, 0, 0), ("round", 0, 0, 0), ("round", 0, 0, 0), ("term", 1),
            ("round", 1, 0, 0), ("mix up", 1, 0),
        )),
    "the founder crashes between its first view and its engine's": Schedule(
        3, Begin.EMPTY, (
            ("start", 2), ("start", 0), ("start", 1), ("round", 0, 0, 0), ("round", 2, 0, 0), ("round", 1, 0, 0),
            ("round", 0, 0, 0), ("poll", 0, 0), ("round", 0, 0, 0), ("work", 0, 0), ("round", 0, 0, 0),
            ("round", 0, 0, 0), ("connect", 0), ("notify", 0, 1),
        )),
    "the last synced member leaves while another only joins: nobody there can give data": Schedule(
        3, Begin.WHOLE, (
            ("term", 2), ("term", 0), ("round", 1, 0, 0), ("cut", 4), ("round", 0, 0, 0), ("regroup", 0),
            ("notify", 0, 0), ("stopped", 0), ("round", 2, 0, 0),
        )),
    "those who stayed had only received what the one who left in order confirmed": Schedule(
        4, Begin.WHOLE, (
            ("die", 1, 0, 0), ("regroup", 0), ("round", 1, 0, 0), ("round", 1, 0, 0), ("tick", 40), ("notify", 0, 0),
            ("term", 0), ("work", 1, 0), ("commit", 0, 1), ("round", 2, 0, 0), ("round", 1, 0, 0), ("work", 1, 0),
            ("round", 0, 0, 0), ("stopped", 0), ("connect", 1), ("kill all", 0xFF, 0),
        )),
    "a joiner that is not Synced yet confirms a commit alone with one who then loses its volume": Schedule(
        3, Begin.CRASHED, (
            ("start", 1), ("round", 1, 0, 0), ("round", 1, 0, 0), ("work", 1, 0), ("round", 1, 0, 0),
            ("start", 0), ("round", 0, 0, 0), ("round", 0, 0, 0), ("work", 0, 0), ("round", 0, 0, 0),
            ("start", 2), ("round", 2, 0, 0), ("round", 2, 0, 0), ("work", 2, 0), ("round", 2, 0, 0),
            ("poll", 2, 0), ("round", 2, 0, 0), ("connect", 2), ("notify", 2, 0), ("round", 2, 0, 0), ("round", 0, 0, 0),
            ("work", 0, 0), ("connect", 0), ("notify", 2, 0), ("transfer", 0, 0), ("notify", 0, 0), ("commit", 0, 1),
            ("kill", 2, 0, 0), ("regroup", 0), ("lose", 2),
        )),
    "two have just received their data and have had no vote; the third went on as Primary, unheard": Schedule(
        3, Begin.WHOLE, (
            ("term", 1), ("settle", 0, 5, NO_STARTS), ("term", 2), ("settle", 0, 5, NO_STARTS), ("lose", 1), ("lose", 2),
            ("settle", 0, 9, NO_TRANSFERS), ("transfer", 1, 0), ("notify", 1, 0), ("notify", 1, 0), ("transfer", 2, 0),
            ("notify", 2, 0), ("notify", 2, 0), ("kill", 1, 0, 0), ("kill", 2, 0, 0), ("settle", 1, 20, 0),
        ), patience=5.0),
    "two went on without the most advanced; one of them loses its volume, and all crash": Schedule(
        3, Begin.WHOLE, (
            ("commit", 0, 1), ("commit", 0, 1), ("commit", 0, 1), ("kill all", 0b111100, 0), ("settle", 1, 20, 0),
            ("commit", 1, 1), ("kill all", 0, 0), ("lose", 2),
        ), patience=5.0),
    "one runs on without a Primary, one crashed ahead of it, and the third lost its volume": Schedule(
        3, Begin.EMPTY, (
            ("settle", 0, 9, 0), ("settle", 2, 9, 0), ("kill", 2, 0, 0), ("lose", 2), ("kill", 0, 0, 0),
        )),
    "the last one commits alone after it recovered, and crashes beside others that run without a Primary": Schedule(
        4, Begin.EMPTY, (
            ("settle", 0, 9, 0), ("settle", 0, 9, 0), ("settle", 11, 1, 0), ("kill", 1, 0, 0), ("settle", 2, 9, 0),
            ("recover", 2), ("recover", 3), ("settle", 2, 5, 0), ("commit", 2, 1), ("kill", 2, 0, 0),
        )),
    "a server that was cut off still believes to be in the Primary when those who went on without it tell of the gap": Schedule(
        3, Begin.WHOLE, (
            ("look", 0), ("commit", 0, 1), ("die", 2, 1, 0), ("kill", 1, 3, 0), ("settle", 1, 20, 0),
        ), patience=5.0),
    "a server without a Primary is told of the gap by those who went on without it": Schedule(
        3, Begin.WHOLE, (
            ("look", 2), ("die", 0, 1, 0), ("die", 1, 3, 0), ("settle", 4, 9, 0),
        ), patience=5.0),
    "who went on without a member loses its volume before any other joined it": Schedule(
        3, Begin.WHOLE, (
            ("kill all", 60, 0), ("settle", 4, 9, 0), ("kill", 0, 0, 0), ("lose", 0),
        ), patience=5.0),
    "a joiner alone has on disk what it received of a later view; all crash": Schedule(
        5, Begin.WHOLE, (
            ("kill", 4, 0, 0), ("regroup", 0), ("start", 4), ("die", 0, 0, 0), ("round", 4, 0, 0), ("notify", 3, 0),
            ("round", 4, 0, 0), ("work", 4, 0), ("round", 4, 0, 0), ("work", 4, 0), ("regroup", 0), ("kill", 3, 0, 0),
            ("regroup", 0), ("connect", 4), ("die", 4, 1, 0), ("scale", 6),
        ), patience=5.0),
    "a copy of a volume is made while its member is alone, and put back after a crash of all; it passes the others": Schedule(
        3, Begin.WHOLE, (
            ("term", 1), ("term", 2), ("settle", 0, 5, NO_STARTS), ("keep", 0), ("settle", 0, 9, 0), ("commit", 1, 1),
            ("commit", 2, 1), ("kill all", 0, 0), ("put back", 0), ("settle", 0b110, 40, 0), *[("commit", 0, 1)] * 20,
            ("settle", 0, 9, 0), ("settle", 0b110, 9, 0), *[("commit", 0, 1)] * 20, ("settle", 0, 9, 0),
        )),
    "the same copy is put back, and is no further than the others when they come": Schedule(
        3, Begin.WHOLE, (
            ("term", 1), ("term", 2), ("settle", 0, 5, NO_STARTS), ("keep", 0), ("settle", 0, 9, 0), ("commit", 1, 1),
            ("commit", 2, 1), ("kill all", 0, 0), ("put back", 0), ("settle", 0b110, 40, 0), ("settle", 0, 9, 0),
        )),
    "the old copy became a Primary, and starts once more while the others wait": Schedule(
        3, Begin.WHOLE, (
            ("term", 1), ("term", 2), ("settle", 0, 5, NO_STARTS), ("keep", 0), ("settle", 0, 9, 0), ("commit", 1, 1),
            ("kill all", 0, 0), ("put back", 0), ("settle", 0b110, 40, 0), *[("commit", 0, 1)] * 20, ("settle", 0, 9, 0),
            ("kill", 0, 0, 0), ("settle", 0, 20, 0),
        )),
    "all crash at one position, and the server of the lowest ordinal cannot start": Schedule(
        3, Begin.WHOLE, (("kill all", 0, 0), ("break", 0, 1), ("settle", 0, 40, 0))),
    "neither of two can start its server, and only the higher ordinal is mended": Schedule(
        2, Begin.WHOLE, (
            ("kill all", 0, 0), ("break", 0, 1), ("break", 1, 1), ("settle", 0, 20, 0), ("break", 1, 0),
        )),
    "a new cluster, and the server of the lowest ordinal cannot start": Schedule(
        3, Begin.EMPTY, (("break", 0, 1), ("settle", 0, 40, 0))),
    "a person chooses one that the cluster went on without, and another of those who went on is to join it": Schedule(
        3, Begin.WHOLE, (
            ("kill all", 37, 0), ("settle", 0b100, 9, 0), ("kill all", 29, 0), ("settle", 0, 9, 0), ("recover", 2),
        ), patience=5.0),
    "a person chose one that the cluster went on without, and who had gone on is alone for a while": Schedule(
        3, Begin.CRASHED, (
            ("settle", 0b100, 9, 0), ("kill all", 32, 0), ("settle", 0, 9, 0), ("recover", 2), ("settle", 0, 9, 0),
            ("settle", 0b100, 20, 0),
        ), patience=5.0),
    "a person chose one whose last view is older than a voter's, and that voter is alone then": Schedule(
        3, Begin.CRASHED, (
            ("settle", 0b100, 9, 0), ("kill all", 32, 0), ("settle", 0, 9, 0), ("recover", 2), ("round", 0, 0, 0),
            ("round", 1, 0, 0), ("round", 2, 0, 0), ("poll", 2, 0), ("round", 0, 0, 0), ("round", 1, 0, 0),
            ("round", 2, 0, 0), ("poll", 2, 0), ("round", 2, 0, 0), ("connect", 2), ("notify", 2, 0),
            ("settle", 0b101, 30, 0),
        ), patience=5.0),
    "a person chose one that is less far than the others, and all crash before any of them joined it": Schedule(
        3, Begin.CRASHED, (
            ("settle", 0, 3, 0), ("recover", 0, 1), ("settle", 0, 3, 0), ("commit", 0, 1), ("kill all", 0, 0),
        )),
    "the same, and who is further has run without a Primary before: nobody can tell the two branches apart": Schedule(
        3, Begin.WHOLE, (
            *[("commit", 0, 1)] * 3, ("cut", 36), ("regroup", 0), ("regroup", 1), ("regroup", 2), ("kill all", 60, 0),
            ("settle", 0, 3, 0), ("recover", 2, 1), ("settle", 0, 3, 0), ("commit", 2, 1), ("kill all", 0, 0),
        )),
    "one who is to join a person's choice has a later view than that, and the Primary dies as its server starts": Schedule(
        4, Begin.WHOLE, (
            ("term", 3), ("settle", 0, 3, 0), ("kill all", 194, 0), ("settle", 1, 3, 0), ("recover", 3, 1),
            ("settle", 0, 2, 0), ("settle", 1, 2, 0), ("work", 1, 0), ("kill", 3, 0, 0),
        )),
    "a server dies as its member is to take a new copy, and then the other one, which had only received its last commit": Schedule(
        2, Begin.WHOLE, (
            ("rebuild", 1), ("commit", 1, 1), ("die", 1, 0, 0), ("round", 1, 0, 0), ("round", 1, 0, 0), ("work", 1, 0),
            ("round", 1, 0, 0), ("work", 1, 0), ("die", 0, 3, 0),
        )),
    "two people choose two members, and a voter's last word of the one that it granted is from before that": Schedule(
        3, Begin.WHOLE, (
            ("settle", 1, 1, 0), ("settle", 0, 3, 0), ("kill all", 2, 0), ("settle", 1, 20, 0), ("settle", 0, 3, 0),
            ("recover", 1, 0), ("round", 1, 0, 0), ("recover", 0, 0), ("round", 0, 0, 0), ("poll", 0, 0), ("poll", 1, 0),
            ("round", 1, 0, 0), ("round", 2, 0, 0), ("round", 0, 0, 0), ("connect", 0),
        )),
    "an old copy of a volume of the latest view, from before a gap that the view came after; who went on with it is silent":
    Schedule(
        3, Begin.WHOLE, (
            ("commit", 0, 1), ("rebuild", 2), ("rebuild", 1), ("kill", 0, 0, 0), ("kill", 1, 0, 0), ("settle", 0, 1, 0),
            ("keep", 0), ("term", 1), ("die", 2, 3, 0), ("settle", 0, 9, NO_STARTS), ("recover", 2, 1), ("settle", 0, 9, 0),
            ("kill all", 25, 0), ("put back", 0), ("settle", 0b010, 9, 0),
        )),
    "an old copy of a volume that was lost since: in its other life the member was in later views of a person's choice": Schedule(
        3, Begin.WHOLE, (
            ("commit", 1, 1), ("kill all", 21, 0), ("keep", 1), ("lose", 1), ("settle", 0, 9, 0), ("kill all", 0, 0),
            ("put back", 1), ("settle", 0, 9, 0), ("recover", 0, 0),
        )),
    "a person gives up the view by which a member came to data of one that it was not told of": Schedule(
        3, Begin.WHOLE, (
            ("settle", 0b100, 3, 0), ("die", 0, 0, 0), ("settle", 0, 3, 0), ("settle", 0, 1, 0), ("kill all", 8, 0),
            ("settle", 0, 4, 0), ("recover", 0, 1),
        )),
    "an old copy knows a gap that leaves behind the one whose gap leaves it behind, and the third is left over": Schedule(
        3, Begin.WHOLE, (
            ("commit", 0, 1), ("kill all", 53, 0), ("mix up", 1, 0), ("settle", 0b010, 9, 0), ("keep", 0),
            ("kill all", 16, 0), ("settle", 0b101, 9, 0), ("recover", 1, 9), ("settle", 0, 9, 0), ("kill all", 0, 0),
            ("put back", 0),
        ), patience=5.0),
    "a member is to set aside what a person gave up, and the Primary is gone with its volume before it does": Schedule(
        3, Begin.WHOLE, (
            ("commit", 1, 1), ("kill all", 48, 0), ("settle", 0b010, 3, 0), ("recover", 2, 9), ("settle", 0b010, 1, 0),
            ("settle", 0b010, 1, 0), ("settle", 0b010, 2, 0), ("kill", 2, 0, 0), ("lose", 2),
        ), patience=5.0),
    "a server dies after its member decided to leave the group, and before it begins": Schedule(
        3, Begin.WHOLE, (
            ("rebuild", 1), ("look", 1), ("hear", 1, 0), ("hear", 1, 2), ("decide", 1), ("die", 1, 0, 0),
            ("act", 1, 0), ("cut", 0b010000), ("regroup", 0), ("regroup", 1),
        )),
    "a member that was found to be of another branch hears nobody, and its last view is its own": Schedule(
        2, Begin.WHOLE, (
            ("term", 1), ("settle", 0, 5, 0), ("keep", 0), ("term", 0), ("settle", 0, 2, 0), ("kill all", 0, 0),
            ("put back", 0), ("settle", 0b1110, 40, 0), ("settle", 0b0001, 2, 0), ("die", 0, 0, 0), ("scale", 3),
            ("settle", 0, 9, 0), ("settle", 0b101, 9, 0), ("settle", 0b110, 9, 0), ("settle", 0, 9, 0),
        )),
    "who is to take a new copy takes it of an old volume's Primary, and all crash before it is told of a view there": Schedule(
        3, Begin.WHOLE, (
            ("term", 0), ("term", 1), ("settle", 0, 5, 0), ("keep", 2), ("term", 0), ("settle", 0, 5, NO_STARTS),
            ("rebuild", 1), ("settle", 1, 4, 0), ("kill all", 60, 0), ("settle", 0b100, 2, 0), ("recover", 0, 13),
            ("settle", 0, 20, NO_TRANSFERS), ("kill all", 0, 0), ("put back", 2), ("settle", 0b011, 40, 0),
            ("settle", 0, 1, 0), ("commit", 2, 1), ("commit", 2, 1), ("settle", 0, 2, 0), ("kill all", 22, 0),
        )),
    "what a chosen member asked before it went on arrives again, after the next choice was granted": Schedule(
        3, Begin.WHOLE, (
            ("kill all", 15, 0), ("settle", 0b100, 4, 0), ("recover", 1, 0), ("round", 1, 0, 0), ("kill all", 0, 0),
            ("settle", 0, 9, 0), ("break", 0, 1), ("rebuild", 0), ("settle", 0, 9, 0), ("kill", 2, 0, 0),
            ("settle", 0, 3, 0), ("recover", 2, 0), ("settle", 0b001, 1, 0), ("settle", 0, 1, 0),
            ("arrive", 0, 0, 0, 0),
        )),
    "a person chooses a member, and later its volume's old copy again, which counts the same epochs": Schedule(
        3, Begin.WHOLE, (
            ("kill all", 52, 0), ("keep", 2), ("settle", 0b001, 9, 0), ("recover", 2, 13), ("kill", 2, 0, 0),
            ("settle", 0, 9, 0), ("kill all", 0, 0), ("put back", 2), ("settle", 0b010, 3, 0), ("recover", 2, 7),
        )),
    "an old copy of the founder's volume, then one of a member that had lost its Primary when it was made": Schedule(
        4, Begin.WHOLE, (
            ("keep", 2), ("commit", 2, 1), ("kill", 2, 0, 0), ("settle", 0b1000, 1, 0), ("keep", 1), ("kill all", 107, 0),
            ("put back", 2), ("settle", 0, 9, 0), ("kill all", 0, 0), ("put back", 1),
        )),
    "the same, and a person chooses who goes on": Schedule(
        4, Begin.WHOLE, (
            ("keep", 2), ("commit", 2, 1), ("kill", 2, 0, 0), ("settle", 0b1000, 1, 0), ("keep", 1), ("kill all", 107, 0),
            ("put back", 2), ("settle", 0, 9, 0), ("kill all", 0, 0), ("put back", 1), ("settle", 1, 20, 0), ("recover", 2, 0),
        )),
    "who was to take a new copy set its data aside for the others, and of these a person left an old copy": Schedule(
        3, Begin.WHOLE, (
            ("break", 0, 1), ("kill all", 57, 0), ("settle", 0, 20, 0), ("rebuild", 0), ("keep", 1), ("kill all", 40, 0),
            ("settle", 6, 20, 0), ("recover", 0, 9), ("break", 0, 0), ("settle", 0, 5, NO_STARTS), ("settle", 4, 9, 0),
            ("kill all", 0, 0), ("put back", 1),
        )),
    "all volumes that granted an epoch are lost, and the member that a person chooses counts it again": Schedule(
        3, Begin.WHOLE, (
            ("rebuild", 0), ("settle", 2, 3, 0), ("commit", 2, 1), ("kill all", 0, 0), ("settle", 1, 20, 0),
            ("kill all", 23, 0), ("settle", 1, 20, 0), ("kill all", 42, 0), ("settle", 4, 3, 0), ("kill", 1, 0, 0),
            ("recover", 0, 13), ("settle", 0, 9, 0), ("die", 2, 0, 0), ("kill", 1, 0, 0),
        )),
    "who has the newest data is to take a new copy, and the only Primary that answers is one that was cut off": Schedule(
        3, Begin.WHOLE, (
            ("rebuild", 1), ("rebuild", 0), ("settle", 0b100, 9, 0), ("commit", 1, 1), ("kill", 0, 1, 0),
            ("settle", 0b100, 2, 0), ("round", 1, 0, 0),
        )),
}  # fmt: skip
