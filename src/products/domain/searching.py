"""A search in the words of OpenSearch: how documents are taken apart, and what a question asks for.

It finds what PostgreSQL's search finds (``selectors.statements``): all words, by their stems, of which the last may be
the beginning of one; or the very SKU. Scores depend on the question and the document alone, never on what else there
is, so that all copies of an index agree, and a walk by score goes on where it stood however much has changed since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

SHORTEST_PREFIX = 2
# A question never brings more; where more is found, PostgreSQL answers.
MOST_FOUND = 1000
# The best are those of the very SKU; then it counts where a word stands, and a whole word counts more than a beginning.
_OF_SKU = 1000
_WORDS = ("name^10", "labels^4", "codes^4", "description^2")
_BEGINNINGS = {"name.plain": 5, "labels.plain": 2, "codes": 2, "words.plain": 1}
# Language -> the stemmer, and the list of words that nobody searches: Snowball's, as PostgreSQL's are.
_LANGUAGES = {
    "ar": "Arabic", "da": "Danish", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French",
    "hu": "Hungarian", "it": "Italian", "nb": "Norwegian", "nl": "Dutch", "no": "Norwegian", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish",
}  # fmt: skip
# What PostgreSQL drops of English (its english.stop, which is Snowball's); the engine's own list is shorter.
_ENGLISH = [
    "i",
    "me",
    "my",
    "myself",
    "we",
    "our",
    "ours",
    "ourselves",
    "you",
    "your",
    "yours",
    "yourself",
    "yourselves",
    "he",
    "him",
    "his",
    "himself",
    "she",
    "her",
    "hers",
    "herself",
    "it",
    "its",
    "itself",
    "they",
    "them",
    "their",
    "theirs",
    "themselves",
    "what",
    "which",
    "who",
    "whom",
    "this",
    "that",
    "these",
    "those",
    "am",
    "is",
    "are",
    "was",
    "were",
    "be",
    "been",
    "being",
    "have",
    "has",
    "had",
    "having",
    "do",
    "does",
    "did",
    "doing",
    "a",
    "an",
    "the",
    "and",
    "but",
    "if",
    "or",
    "because",
    "as",
    "until",
    "while",
    "of",
    "at",
    "by",
    "for",
    "with",
    "about",
    "against",
    "between",
    "into",
    "through",
    "during",
    "before",
    "after",
    "above",
    "below",
    "to",
    "from",
    "up",
    "down",
    "in",
    "out",
    "on",
    "off",
    "over",
    "under",
    "again",
    "further",
    "then",
    "once",
    "here",
    "there",
    "when",
    "where",
    "why",
    "how",
    "all",
    "any",
    "both",
    "each",
    "few",
    "more",
    "most",
    "other",
    "some",
    "such",
    "no",
    "nor",
    "not",
    "only",
    "own",
    "same",
    "so",
    "than",
    "too",
    "very",
    "s",
    "t",
    "can",
    "will",
    "just",
    "don",
    "should",
    "now",
]
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Searchable:
    """What a document is found by, in one market."""

    product_id: str
    name: str
    labels: Sequence[str]
    skus: Sequence[str]
    description: str


def is_plain(search: str) -> bool:
    """Tell whether it is words alone, without an operator: those are PostgreSQL's, which knows them."""
    words = search.split()
    return bool(words) and not any(_is_operator(word) for word in words)


def _is_operator(word: str) -> bool:
    return '"' in word or word.startswith("-") or word.lower() == "or"


def split_last(search: str) -> tuple[str, str]:
    """Return the words before the last, and the last as a beginning, which is empty where it is not to be taken so."""
    words = search.split()
    is_beginning = bool(words) and all(word.isalnum() and word.lower() != "or" for word in words)
    if not is_beginning or len(words[-1]) < SHORTEST_PREFIX:
        return "", ""
    return " ".join(words[:-1]), words[-1]


def question_of(search: str) -> dict[str, Any]:
    """Return the query for words without operators."""
    head, beginning = split_last(search)
    meant: list[dict[str, Any]] = [_with_all_words(search), _of_sku(search)]
    ranks: list[dict[str, Any]] = [_rank(search), _of_sku(search)]
    if beginning:
        meant.append({"bool": {"filter": [*_head(head), _begins("words.plain", beginning, 1)]}})
        ranks += [_begins(name, beginning, boost) for name, boost in _BEGINNINGS.items()]
    return {"bool": {"filter": [{"bool": {"should": meant}}], "should": ranks}}


def guess_of(search: str) -> dict[str, Any] | None:
    """Return the query for words that may be misspelt, or ``None``: a number that is not there is another number."""
    if _DIGIT.search(search):
        return None
    asked = {
        "query": search,
        "operator": "and",
        "fuzziness": "AUTO",
        "prefix_length": 1,
        "max_expansions": 50,
        "fuzzy_transpositions": True,
    }
    in_name = {"query": search, "fuzziness": "AUTO", "prefix_length": 1, "boost": 10}
    return {"bool": {"filter": [{"match": {"words": asked}}], "should": [{"match": {"name": in_name}}]}}


def _with_all_words(search: str) -> dict[str, Any]:
    """Those with signs in them, such as numbers of articles, are taken apart: their parts stand beside each other."""
    words = search.split()
    joined = " ".join(word for word in words if word.isalnum())
    filters: list[dict[str, Any]] = [
        {"match_phrase": {"words": {"query": word, "zero_terms_query": "all" if joined else "none"}}}
        for word in words
        if not word.isalnum()
    ]
    if joined:
        given = {"query": joined, "operator": "and", "zero_terms_query": "all" if filters else "none"}
        filters.append({"match": {"words": given}})
    return {"bool": {"filter": filters}}


def _head(head: str) -> list[dict[str, Any]]:
    return [{"match": {"words": {"query": head, "operator": "and", "zero_terms_query": "all"}}}] if head else []


def _begins(field: str, beginning: str, boost: int) -> dict[str, Any]:
    return {"match_bool_prefix": {field: {"query": beginning, "boost": boost}}}


def _rank(search: str) -> dict[str, Any]:
    return {"multi_match": {"query": search, "fields": _WORDS, "type": "most_fields"}}


def _of_sku(search: str) -> dict[str, Any]:
    return {"term": {"skus": {"value": search.upper(), "boost": _OF_SKU}}}


def entry_of(document: Searchable) -> dict[str, Any]:
    """Return what the index gets of a document: what is needed to find it, and to rank it."""
    return {
        "name": document.name,
        "labels": list(document.labels),
        "codes": list(document.skus),
        "skus": list(document.skus),
        "description": document.description,
    }


@cache
def index_for(language: str) -> Mapping[str, Any]:
    """Return how an index of documents in that language is made."""
    analysis = {
        "filter": _filters(language[:2]),
        "analyzer": {
            "stems": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase", *_steps(language[:2])]},
            "plain": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase", "asciifolding"]},
        },
    }
    beginnings = {"type": "text", "analyzer": "plain", "similarity": "boolean", "norms": False, "index_prefixes": {}}
    stems = {"type": "text", "analyzer": "stems", "similarity": "boolean", "norms": False}
    searched = stems | {"copy_to": "words", "index_options": "docs"}
    with_beginnings = searched | {"fields": {"plain": beginnings}}
    properties = {
        "name": with_beginnings,
        "labels": with_beginnings,
        "description": searched,
        "codes": beginnings | {"copy_to": "words"},
        "skus": {"type": "keyword", "similarity": "boolean"},
        "words": stems | {"fields": {"plain": beginnings}},
    }
    return {
        "settings": {
            "number_of_shards": 1,
            "auto_expand_replicas": "0-1",
            # Said, so that an index which nobody has asked for a while is as new as any.
            "refresh_interval": "1s",
            "analysis": analysis,
        },
        "mappings": {"dynamic": "strict", "_source": {"enabled": False}, "properties": properties},
    }


def _steps(language: str) -> list[str]:
    if language == "el":
        return ["asciifolding", "stemmer"]
    return ["dropped", "asciifolding", "stemmer"] if language in _LANGUAGES else ["asciifolding"]


def _filters(language: str) -> dict[str, Any]:
    if language == "el":
        return {"stemmer": {"type": "stemmer", "language": "greek"}}
    name = _LANGUAGES.get(language)
    if name is None:
        return {}
    dropped = _ENGLISH if language == "en" else f"_{name.lower()}_"
    return {"dropped": {"type": "stop", "stopwords": dropped}, "stemmer": {"type": "snowball", "language": name}}
