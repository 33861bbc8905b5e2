"""The only place that builds the real parts from settings: a module for each room."""

from repository.bootstrap.first_start import initialise as initialise
from repository.bootstrap.first_start import make_folders as make_folders
from repository.bootstrap.keys import FACTORS_KEY as FACTORS_KEY
from repository.bootstrap.keys import LEDGER_KEY as LEDGER_KEY
from repository.bootstrap.keys import PICTURES_KEY as PICTURES_KEY
from repository.bootstrap.keys import RECEIPTS_KEY as RECEIPTS_KEY
from repository.bootstrap.services import Services as Services
from repository.bootstrap.services import build as build
