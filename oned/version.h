/* Which OpenNebula we are compatible with, and our own version. */
#ifndef ONED_VERSION_H
#define ONED_VERSION_H

#define ONE_VERSION "6.10.0"         /* one.system.version; clients parse it */
#define ONE_DB_VERSION "6.10.0"
#define PERIGEE_VERSION "0.1"

#endif
