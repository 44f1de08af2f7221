/* Texts of the XML-RPC wire that both sides need: escaping what is sent, and looking over what was received
 * before xmlrpc-c parses it. */
#ifndef COMMON_RPC_TEXT_H
#define COMMON_RPC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/strbuf.h"

/* Escapes text for the wire: & < > are replaced, CR and CRLF become LF; fast on long texts. Invalid UTF-8,
 * characters XML forbids and those beyond the Basic Multilingual Plane (xmlrpc-c neither sends nor accepts
 * them) become '?'. */
void rpc_escape(struct strbuf *out, const char *text, size_t len);

/* The reverse for a text of an answer, appended to out. false: it holds something only a parser understands
 * (markup, other references, CR, control characters); then out is as it was. UTF-8 is not looked at. */
bool rpc_unescape(struct strbuf *out, const char *text, size_t len);

/* xmlrpc-c builds a tree of elements and walks it recursively, and its parser is an old one that expands
 * entities without a limit. So before it sees a document from outside this pass over the bytes refuses: a
 * NUL, a declared encoding other than UTF-8, ISO-8859-1 or US-ASCII, invalid UTF-8, a DOCTYPE or any other
 * declaration, more than max_elements elements or elements nested deeper than max_depth. NULL: none of that
 * (the document may still be wrong); else why not. */
const char *rpc_xml_refused(const char *xml, size_t len, size_t max_elements, size_t max_depth);

#endif
