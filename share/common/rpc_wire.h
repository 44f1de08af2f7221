/* The fixed texts of XML-RPC answers, byte for byte as xmlrpc-c's server writes them:
 *
 *   success  [boolean 1, value, int 0]
 *   failure  [boolean 0, string message, int code, int object id, i8 replication index]
 */
#ifndef COMMON_RPC_WIRE_H
#define COMMON_RPC_WIRE_H

#define WIRE_CRLF "\r\n"
#define WIRE_RESPONSE "<?xml version=\"1.0\" encoding=\"UTF-8\"?>" WIRE_CRLF "<methodResponse>" WIRE_CRLF
#define WIRE_RESPONSE_END "</methodResponse>" WIRE_CRLF
#define WIRE_PARAM WIRE_RESPONSE "<params>" WIRE_CRLF "<param>"
#define WIRE_PARAM_END "</param>" WIRE_CRLF "</params>" WIRE_CRLF WIRE_RESPONSE_END
#define WIRE_FAULT WIRE_RESPONSE "<fault>" WIRE_CRLF
#define WIRE_FAULT_END WIRE_CRLF "</fault>" WIRE_CRLF WIRE_RESPONSE_END
#define WIRE_ARRAY "<value><array><data>" WIRE_CRLF
#define WIRE_ARRAY_END "</data></array></value>"
#define WIRE_BOOLEAN "<value><boolean>"
#define WIRE_BOOLEAN_END "</boolean></value>"
#define WIRE_I4 "<value><i4>"
#define WIRE_I4_END "</i4></value>"
#define WIRE_I8 "<value><i8>"
#define WIRE_I8_END "</i8></value>"
#define WIRE_STRING "<value><string>"
#define WIRE_STRING_END "</string></value>"
#define WIRE_SUCCESS WIRE_PARAM WIRE_ARRAY WIRE_BOOLEAN "1" WIRE_BOOLEAN_END WIRE_CRLF
#define WIRE_SUCCESS_END WIRE_CRLF WIRE_I4 "0" WIRE_I4_END WIRE_CRLF WIRE_ARRAY_END WIRE_PARAM_END
/* A success whose value is a text, before and after the text. */
#define WIRE_SUCCESS_STRING WIRE_SUCCESS WIRE_STRING
#define WIRE_SUCCESS_STRING_END WIRE_STRING_END WIRE_SUCCESS_END

#endif
