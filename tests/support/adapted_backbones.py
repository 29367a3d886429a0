"""Backbones that give no modality representations, with those that the adaptor makes, under names for the contract."""

from graphrec.backbones.adaptor import with_modalities
from graphrec.backbones.bm3 import BM3
from graphrec.backbones.lightgcn import LightGCN

AdaptedLightGCN, AdaptedBM3 = with_modalities(LightGCN), with_modalities(BM3)
