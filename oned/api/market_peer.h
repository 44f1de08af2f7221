/* What servers of a federation tell the one that keeps the database about marketplaces and apps: whole objects as XML. For user 0. */
#ifndef ONED_API_MARKET_PEER_H
#define ONED_API_MARKET_PEER_H

#include "oned/api/call.h"

enum one_rc peer_prepare_new(struct call *c, struct one_err *err);   /* xml:s */
enum one_rc peer_prepare_known(struct call *c, struct one_err *err); /* id:i xml:s */
void peer_allocate(struct txn *t, struct call *c);                   /* xml:s */
void peer_update(struct txn *t, struct call *c);                     /* id:i xml:s */
void peer_drop_app(struct txn *t, struct call *c);                   /* id:i */

#endif
